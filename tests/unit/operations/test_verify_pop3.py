"""verify --remote of an account that is read by POP3."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from tests.unit.archive.builders import build_message
from tests.unit.operations.verified_servers import ImpatientClock, Pop3, found


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.create(tmp_path / "archive", clock=ImpatientClock()) as archive:
        yield archive


@pytest.fixture
def pop3(archive: Archive) -> Pop3:
    pop3 = Pop3(archive)
    pop3.sync()
    return pop3


def test_a_level_archive_has_everything(pop3: Pop3) -> None:
    account = pop3.verify(100)

    (inbox,) = account.mailboxes
    assert (account.findings, account.exit_code) == ((), 0)
    assert (inbox.on_server, inbox.matched, inbox.read) == (20, 20, 20)


def test_what_arrived_and_what_went_is_told(pop3: Pop3) -> None:
    del pop3.box.messages["id3"]
    pop3.box.messages["new"] = build_message(99)

    account = pop3.verify()

    assert (found(account), account.exit_code) == ([("absent", "new")], 3)
    assert account.mailboxes[0].gone == 1


def test_what_is_owed_says_why(archive: Archive) -> None:
    pop3 = Pop3(archive, refuses=frozenset({"id7"}))
    pop3.sync()

    account = pop3.verify()

    assert (found(account), account.exit_code) == ([("owed", "id7")], 3)


def test_other_octets_are_found(pop3: Pop3) -> None:
    pop3.box.messages["id4"] = build_message(4) + b"and more\r\n"
    pop3.box.messages["id5"] = build_message(5).replace(b"Hello", b"Jello")

    assert found(pop3.verify()) == [("different", "id4")]
    assert found(pop3.verify(100)) == [("different", "id4"), ("different", "id5")]


def test_without_unique_ids_only_reading_tells(archive: Archive) -> None:
    pop3 = Pop3(archive, names=lambda _session, _uidls: None)
    pop3.sync()

    by_numbers, by_octets = pop3.verify(), pop3.verify(100)

    assert {kind for kind, _ in found(by_numbers)} == {"unnamed"}
    assert by_numbers.exit_code == 3
    assert (by_octets.findings, by_octets.exit_code) == ((), 0)
    assert by_octets.mailboxes[0].matched == 20


def test_nothing_is_deleted(pop3: Pop3) -> None:
    pop3.verify(100)

    assert pop3.box.said(b"DELE") == 0
    assert len(pop3.box.messages) == 20
