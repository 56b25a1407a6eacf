import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.mail.model import MailboxName
from mailvault.mail.pathnames import EXPORT_RECORD, LONGEST, PathNames, nested, readable


@pytest.mark.parametrize(
    ("part", "escaped"),
    [
        ("Sent", "Sent"),
        ("Entwürfe", "Entwürfe"),
        ("已发送", "已发送"),
        ("a b", "a b"),
        ("", "%-"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        (".hidden", "%2Ehidden"),
        ("a/b", "a%2Fb"),
        ("a\\b", "a%5Cb"),
        ("100%", "100%25"),
        ("a:b*c?", "a%3Ab%2Ac%3F"),
        ("a\0b\x1b", "a%00b%1B"),
        ("a\u202eb", "a%E2%80%AEb"),
        ("\ud800", "%ED%A0%80"),
        ("a ", "a%20"),
        ("a.", "a%2E"),
        ("con", "%63on"),
        ("CON.txt", "%43ON.txt"),
        ("console", "console"),
        ("a.mbox", "a%2Embox"),
        ("a.EML", "a%2EEML"),
    ],
)
def test_a_part_is_escaped_for_every_file_system(part: str, escaped: str) -> None:
    assert readable(part) == escaped


odd_parts = st.text(max_size=10) | st.sampled_from(
    ["..", ".", "/", "", "%", "%2F", "a", "A", "\u00e4", "a\u0308", "x" * 300, "x" * 301, "con"]
)
odd_names = st.lists(odd_parts, min_size=1, max_size=3).map(tuple)


@given(odd_parts, odd_parts)
def test_two_parts_are_never_escaped_alike(one: str, other: str) -> None:
    assert (readable(one) == readable(other)) == (one == other)


@given(odd_parts)
def test_an_escaped_part_is_one_harmless_component(part: str) -> None:
    component = readable(part)

    assert component not in {"", ".", ".."}
    assert not re.search(r'[/\\\x00-\x1f\x7f<>:"|?*]', component)
    component.encode("utf-8")


def same_to_some_file_system(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(unicodedata.normalize("NFC", part).casefold() for part in path)


@given(st.lists(odd_names, unique=True, max_size=12))
def test_no_two_mailboxes_share_a_path(names: list[tuple[str, ...]]) -> None:
    paths = PathNames(nested)

    given_paths = [paths.path(MailboxName(name)) for name in names]

    assert len({same_to_some_file_system(path) for path in given_paths}) == len(names)
    assert all(len(part.encode()) <= LONGEST for path in given_paths for part in path)


def test_a_mailbox_keeps_its_path() -> None:
    paths = PathNames(nested)
    first = paths.path(MailboxName(("Trash",)))

    second = paths.path(MailboxName(("trash",)))

    assert first == ("Trash",)
    assert second[0].startswith("trash+")
    assert paths.path(MailboxName(("trash",))) == second
    assert paths.path(MailboxName(("trash", "a"))) == (*second, "a")


@pytest.mark.parametrize("name", [EXPORT_RECORD, EXPORT_RECORD.upper()])
def test_no_mailbox_takes_the_place_of_the_record(name: str) -> None:
    assert PathNames(nested).path(MailboxName((name,)))[0].startswith(name + "+")


def test_a_path_learnt_from_an_earlier_export_is_given_again() -> None:
    paths = PathNames(nested)
    paths.learn(MailboxName(("trash",)), ("trash",))

    assert paths.path(MailboxName(("Trash",)))[0].startswith("Trash+")
    assert paths.path(MailboxName(("trash",))) == ("trash",)


@pytest.mark.parametrize(
    "path", [("..",), (".",), ("",), ("a/b",), ("a\0",), ("x" * 300,), ("a", "b"), ()]
)
def test_a_path_nobody_may_give_is_not_learnt(path: tuple[str, ...]) -> None:
    paths = PathNames(nested)

    paths.learn(MailboxName(("Sent",)), path)

    assert paths.path(MailboxName(("Sent",))) == ("Sent",)
