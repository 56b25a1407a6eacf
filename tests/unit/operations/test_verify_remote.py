"""verify --remote says what is on the server and not in the archive, and changes neither."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.archive.standings import Standing
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Uid
from mailvault.operations.remote_mailbox import NAMED
from tests.servers.bent import as_it_should, asks_for
from tests.unit.archive.builders import build_message
from tests.unit.operations.verified_servers import Imap, ImpatientClock, fill, found


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.create(tmp_path / "archive", clock=ImpatientClock()) as archive:
        yield archive


@pytest.fixture
def imap(archive: Archive) -> Imap:
    """A server that the archive is level with."""
    imap = Imap(archive)
    imap.sync()
    return imap


@pytest.mark.parametrize("percent", [0, 100], ids=["numbers", "octets"])
def test_a_level_archive_has_everything(imap: Imap, percent: float) -> None:
    account = imap.verify(percent)

    (inbox,) = account.mailboxes
    assert (account.is_complete, account.exit_code, account.findings) == (True, 0, ())
    assert (inbox.on_server, inbox.in_archive, inbox.matched) == (20, 20, 20)
    assert inbox.read == (20 if percent else 0)


def test_a_sample_reads_a_share(imap: Imap) -> None:
    (inbox,) = imap.verify(30).mailboxes

    assert 0 < inbox.read < 20


def test_what_arrived_since_is_named(imap: Imap) -> None:
    fill(imap.inbox, build_message(99))

    account = imap.verify()

    assert account.exit_code == 3
    assert found(account) == [("absent", "21")]
    assert account.findings[0].detail == "it arrived after the last sync"


def test_what_the_archive_should_know_and_does_not_is_told_apart(imap: Imap) -> None:
    imap.inbox.expunge(Uid(20))
    imap.sync()
    imap.inbox.messages[Uid(20)] = replace(imap.inbox.messages[Uid(19)], uid=Uid(20))

    account = imap.verify()

    assert found(account) == [("absent", "20")]
    assert "although it was there" in account.findings[0].detail


def test_what_is_owed_says_why(archive: Archive) -> None:
    imap = Imap(archive)

    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        if asks_for(command, 7):
            return [command.split(b" ")[0] + b" NO it is broken\r\n"]
        return answer

    imap.bend = bend
    imap.sync()
    imap.bend = as_it_should
    account = imap.verify()

    assert (found(account), account.exit_code) == ([("owed", "7")], 3)
    assert "it is broken" in account.findings[0].detail


def test_what_the_server_lost_is_counted_and_no_finding(imap: Imap) -> None:
    imap.inbox.expunge(Uid(3))

    account = imap.verify()

    (inbox,) = account.mailboxes
    assert (account.exit_code, account.findings, inbox.gone) == (0, (), 1)


def test_other_flags_are_named(imap: Imap) -> None:
    imap.inbox.set_flags(Uid(5), ["\\Flagged"])

    account = imap.verify()

    (finding,) = account.findings
    assert (finding.kind, finding.remote_id, account.exit_code) == ("flags", "5", 3)
    assert finding.detail == "flags on the server: \\Flagged; in the archive: \\Seen"


def test_other_octets_of_the_same_size_are_found_by_reading(imap: Imap) -> None:
    imap.exchange(4, build_message(3).replace(b"Hello", b"Jello"))

    assert imap.verify().exit_code == 0
    account = imap.verify(100)

    assert (found(account), account.exit_code) == ([("different", "4")], 4)


def test_other_octets_of_another_size_are_found_at_once(imap: Imap) -> None:
    imap.exchange(4, build_message(3) + b"and more\r\n")

    account = imap.verify()

    assert (found(account), account.exit_code) == ([("different", "4")], 4)
    assert account.mailboxes[0].read == 1


def test_a_server_that_lies_about_sizes_is_not_believed(archive: Archive) -> None:
    imap = Imap(archive)
    for number in range(100, 180):
        fill(imap.inbox, build_message(number))

    def bend(_command: bytes, answer: list[bytes]) -> list[bytes]:
        return [piece.replace(b"RFC822.SIZE 1", b"RFC822.SIZE 2") for piece in answer]

    imap.bend = bend
    imap.sync()
    account = imap.verify()

    assert (account.exit_code, account.findings) == (0, ())
    assert account.mailboxes[0].read == 50


def test_a_mailbox_that_is_left_out_is_named_and_no_trouble(archive: Archive) -> None:
    imap = Imap(archive, MailboxGlobs(["*", "!Junk"]))
    fill(imap.account.create("Junk"), build_message(50))
    imap.sync()

    account = imap.verify()

    assert (account.exit_code, found(account)) == (0, [("unselected", None)])
    assert [box.is_selected for box in account.mailboxes] == [True, False]


def test_a_new_mailbox_and_one_that_is_gone_are_counted(imap: Imap) -> None:
    fill(imap.account.create("Gone"), build_message(51))
    imap.sync()
    imap.account.delete("Gone")
    fill(imap.account.create("New"), build_message(52))

    account = imap.verify()

    boxes = {
        str(box.mailbox): (box.on_server, box.absent, box.gone) for box in account.mailboxes
    }
    assert boxes == {"INBOX": (20, 0, 0), "New": (1, 1, 0), "Gone": (None, 0, 1)}
    assert (found(account), account.exit_code) == ([("absent", None)], 3)


def test_a_mailbox_numbered_anew_is_told_as_such(imap: Imap) -> None:
    imap.inbox.uidvalidity += 1

    account = imap.verify()

    assert (found(account), account.exit_code) == ([("renumbered", None)], 3)


def test_thousands_of_findings_are_counted_and_not_all_named(imap: Imap) -> None:
    for number in range(NAMED + 30):
        fill(imap.inbox, build_message(5000 + number))

    account = imap.verify()

    assert len(account.findings) == NAMED + 1
    assert account.findings[-1].detail == "and 30 more messages of the mailbox"
    assert account.mailboxes[0].absent == NAMED + 30


def test_a_mailbox_that_cannot_be_opened_stops_no_other(imap: Imap) -> None:
    fill(imap.account.create("Broken"), build_message(60))
    imap.sync()

    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        if b"EXAMINE" in command and b"Broken" in command:
            return [command.split(b" ")[0] + b" NO it is corrupt\r\n"]
        return answer

    imap.bend = bend
    account = imap.verify()

    errors = {str(box.mailbox): box.error is not None for box in account.mailboxes}
    assert errors == {"Broken": True, "INBOX": False}
    assert account.exit_code == 3


def test_a_message_the_server_would_not_give_is_named(imap: Imap) -> None:
    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        if asks_for(command, 7):
            return [command.split(b" ")[0] + b" NO it is broken\r\n"]
        return answer

    imap.bend = bend
    account = imap.verify(100)

    assert (found(account), account.exit_code) == ([("unreadable", "7")], 3)
    assert account.mailboxes[0].read == 19


def test_a_refused_login_ends_with_its_code_and_a_pause(imap: Imap) -> None:
    imap.password = "wrong"

    refused = imap.verify()
    paused = imap.verify()

    assert (refused.exit_code, paused.exit_code) == (11, 11)
    assert imap.commands == []
    assert imap.archive.standings.of("a").refusals == 1


def test_an_account_that_rests_is_not_asked(imap: Imap) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    imap.archive.standings.keep("a", Standing(until=until, reason="too many logins"))

    account = imap.verify()

    assert (account.exit_code, account.mailboxes, imap.commands) == (3, (), [])


def test_nothing_is_changed_on_the_server(imap: Imap) -> None:
    before = imap.account.placements()

    imap.verify(100)

    assert imap.account.placements() == before
    words = {word for command in imap.commands for word in command.upper().split()}
    assert b"EXAMINE" in words
    assert not words & {b"SELECT", b"STORE", b"EXPUNGE", b"APPEND"}
    assert not any(b"BODY[" in command for command in imap.commands)


def test_what_the_disk_lost_is_not_in_the_archive(imap: Imap, archive: Archive) -> None:
    for volume in (archive.path / "content").glob("*.db"):
        with closing(sqlite3.connect(volume, isolation_level=None)) as connection:
            connection.execute("UPDATE pack SET frames = zeroblob(length(frames))")
    archive.content.forget()

    account = imap.verify(100)

    assert account.exit_code == 4
    assert {finding.kind for finding in account.findings} == {"damaged"}
    assert len(account.findings) == 20


def test_what_was_done_is_written_down(imap: Imap, archive: Archive) -> None:
    imap.verify(30)

    (job,) = archive.catalog.jobs(1)
    assert (job.kind, job.account, job.checked, job.detail) == (
        "verify-remote", "a", 20, "sample 30%",
    )  # fmt: skip
