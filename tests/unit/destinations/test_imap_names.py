"""Names for another server: as they were where it can be, and different ones different."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.destinations.imap_names import (
    Naming,
    likeness,
    spellings,
    use_of,
    without_provider,
)
from mailvault.mail.model import MailboxName
from mailvault.protocols.imap import utf7

DOVECOT = Naming("/")
COURIER = Naming(".", ("INBOX",))
FLAT = Naming(None)


@pytest.mark.parametrize(
    ("parts", "naming", "first"),
    [
        (("Work", "2026"), DOVECOT, "Work/2026"),
        (("Work", "2026"), COURIER, "INBOX.Work.2026"),
        (("Work", "2026"), FLAT, "Work_2026"),
        (("INBOX",), COURIER, "INBOX"),
        (("INBOX", "Sent"), COURIER, "INBOX.Sent"),
        (("v1.2", "a/b"), COURIER, "INBOX.v1_2.a/b"),
        (("v1.2", "a/b"), DOVECOT, "v1.2/a_b"),
        (("a\r\nb\0",), DOVECOT, "a__b_"),
        (("",), DOVECOT, "_"),
        (("Läbel",), DOVECOT, "Läbel"),
    ],
)
def test_the_first_spelling_is_the_name_in_the_targets_way(
    parts: tuple[str, ...], naming: Naming, first: str
) -> None:
    assert next(spellings(MailboxName(parts), naming)) == first


def test_names_that_are_refused_get_plainer() -> None:
    tried = list(spellings(MailboxName(("100%", 'quo"te', "é")), DOVECOT))

    assert tried[:3] == ['100%/quo"te/é', "100_/quo_te/é", "100_/quo_te/é (2)"]
    assert tried[-1].isascii()
    assert "/" not in tried[-1]


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_every_spelling_can_be_said_and_comes_once(parts: list[str]) -> None:
    for naming in (DOVECOT, COURIER, FLAT):
        tried = list(spellings(MailboxName(tuple(parts)), naming))

        assert len(tried) == len(set(tried))
        assert all(utf7.encode(text).isascii() and "\0" not in text for text in tried)


@pytest.mark.parametrize(
    ("one", "two"), [("Trash", "tRASH"), ("é", "e\u0301"), ("STRASSE", "straße")]
)
def test_names_that_servers_confuse_are_alike(one: str, two: str) -> None:
    assert likeness(one) == likeness(two)


@pytest.mark.parametrize(
    ("name", "special_use", "use"),
    [
        ("Anything", "\\Sent", "\\Sent"),
        ("Sent Items", None, "\\Sent"),
        ("INBOX/Trash", None, "\\Trash"),
        ("[Gmail]/Spam", None, "\\Junk"),
        ("Work/Sent", None, None),
        ("Sentinel", None, None),
    ],
)
def test_what_a_mailbox_is_for(name: str, special_use: str | None, use: str | None) -> None:
    assert use_of(MailboxName.parse(name, "/"), special_use) == use


@pytest.mark.parametrize(
    ("name", "use", "expected"),
    [
        ("[Gmail]/Sent Mail", "\\Sent", "Sent"),
        ("[Gmail]/All Mail", "\\All", "All Mail"),
        ("[Google Mail]/Wichtig", None, "Wichtig"),
        ("[Gmail]", None, "[Gmail]"),
        ("Work/Sent", "\\Sent", "Work/Sent"),
    ],
)
def test_a_providers_own_level_is_left_out(name: str, use: str | None, expected: str) -> None:
    assert str(without_provider(MailboxName.parse(name, "/"), use)) == expected
