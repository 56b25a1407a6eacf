import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.mail import maildir
from mailvault.mail.maildir import FileName, Keywords
from mailvault.mail.model import FLAGGED, SEEN, Flag, MailboxName
from mailvault.protocols.imap import utf7

flag_names = st.sampled_from(
    ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$Forwarded", "$Junk", "work"]
).map(Flag)


@given(st.frozensets(flag_names))
def test_flags_come_back_from_their_letters(flags: frozenset[Flag]) -> None:
    keywords = Keywords()

    letters, lost = maildir.letters(flags, keywords)

    assert not lost
    assert list(letters) == sorted(letters)
    assert maildir.flags(letters, Keywords.parse(keywords.encode())) == flags


def test_system_flags_have_the_letters_of_the_specification() -> None:
    assert maildir.letters(frozenset({SEEN, FLAGGED}), Keywords()) == ("FS", frozenset())


def test_the_27th_keyword_is_lost_and_said_to_be() -> None:
    keywords = Keywords()
    maildir.letters(frozenset(Flag(f"k{number}") for number in range(26)), keywords)

    letters, lost = maildir.letters(frozenset({SEEN, Flag("late")}), keywords)

    assert (letters, lost) == ("S", frozenset({Flag("late")}))


@pytest.mark.parametrize("keyword", ["two words", "a\nb", "\\Strange", "", "x" * 500])
def test_what_dovecot_keywords_cannot_hold_is_lost(keyword: str) -> None:
    assert maildir.letters(frozenset({Flag(keyword)}), Keywords()) == (
        "",
        frozenset({Flag(keyword)}),
    )


def test_keywords_keep_their_numbers() -> None:
    keywords = Keywords.parse("0 a\n5 b\nrubbish\n99 c\n3\n")

    assert keywords.letter(Flag("b")) == "f"
    assert keywords.letter(Flag("new")) == "b"
    assert keywords.encode() == "0 a\n1 new\n5 b\n"


def test_unknown_letters_stand_for_nothing() -> None:
    assert maildir.flags("SZa", Keywords()) == {SEEN}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("1.a.host", FileName("1.a.host")),
        ("1.a.host:2,", FileName("1.a.host")),
        ("1.a.host:2,FSa", FileName("1.a.host", "FSa")),
        ("1.a.host,S=5:2,S", FileName("1.a.host", "S", 5)),
        ("1.a.host,S=5,W=6:2,S", FileName("1.a.host", "S", 5, 6)),
        ("1.a.host,W=6,H=x,S=5:2,", FileName("1.a.host", "", 5, 6)),
        ("1.a.host,S=no:2,", FileName("1.a.host")),
        (".hidden", None),
        ("", None),
        ("1.a:1,exp", None),
    ],
)
def test_a_file_name_is_read(text: str, name: FileName | None) -> None:
    assert FileName.parse(text) == name


def test_a_file_name_is_written_as_dovecot_does() -> None:
    assert str(FileName("1.a.host", "FS", 5, 6)) == "1.a.host,S=5,W=6:2,FS"


Layout = Callable[..., list[tuple[tuple[str, ...], str]]]


def path(layout: Layout, *parts: str) -> str:
    return "/".join(component for _, component in layout(MailboxName(parts), utf7.encode))


@pytest.mark.parametrize(
    ("parts", "plus_plus", "file_system"),
    [
        (("INBOX",), "", ""),
        (("Sent",), ".Sent", "Sent"),
        (("INBOX", "a"), ".INBOX.a", "INBOX/a"),
        (("A", "b c"), ".A.b c", "A/b c"),
        (("A.b",), r".A\2eb", "A.b"),
        ((".",), r".\2e", r"\2e"),
        (("..",), r".\2e\2e", r"\2e\2e"),
        (("a/b",), r".a\2fb", r"a\2fb"),
        (("a\\b",), r".a\5cb", r"a\5cb"),
        (("~root",), ".~root", r"\7eroot"),
        (("cur",), ".cur", r"\63ur"),
        (("Tmp",), ".Tmp", r"\54mp"),
        (("dovecot-uidlist",), ".dovecot-uidlist", r"\64ovecot-uidlist"),
        (("",), r".\-", r"\-"),
        (("a ",), r".a\20", r"a\20"),
        (("Entwürfe",), ".Entw&APw-rfe", "Entw&APw-rfe"),
        (("a&b",), ".a&-b", "a&-b"),
        (("a\0b",), ".a&AAA-b", "a&AAA-b"),
        (("\ud800",), r".\_d800", r"\_d800"),
        (("a.\ud800ä",), r".a\2e\_d800&AOQ-", r"a\2e\_d800&AOQ-"),
    ],
)
def test_a_mailbox_has_its_folder(
    parts: tuple[str, ...], plus_plus: str, file_system: str
) -> None:
    assert path(maildir.maildir_plus_plus, *parts) == plus_plus
    assert path(maildir.file_system, *parts) == file_system


names = st.lists(
    st.text(max_size=8) | st.sampled_from(["..", ".", "/", "cur", "a.b", "\\2e", "\\", ""]),
    min_size=1,
    max_size=4,
).map(tuple)


@pytest.mark.parametrize("layout", [maildir.maildir_plus_plus, maildir.file_system])
@given(names, names)
def test_two_names_never_have_one_folder(
    layout: Layout, one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    assert (path(layout, *one) == path(layout, *other)) == (one == other)


@pytest.mark.parametrize("layout", [maildir.maildir_plus_plus, maildir.file_system])
@given(names)
def test_no_folder_leads_elsewhere(layout: Layout, parts: tuple[str, ...]) -> None:
    for _, component in layout(MailboxName(parts), utf7.encode):
        assert component not in {"", ".", "..", "cur", "new", "tmp"}
        assert not re.search(r"[/\x00-\x1f\x7f]", component)
        assert component.isascii()
