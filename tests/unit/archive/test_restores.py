"""What restores remember survives kills, torn lines and other targets."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailvault.archive.restores import MailboxJournal, RestoreJournal, Sent
from mailvault.errors import ArchiveLocked
from mailvault.mail.model import INBOX, Digest, MailboxName, Uid

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
TARGET = "imap mail.example.com me"


def sent(number: int) -> Sent:
    return Sent(Digest.of(b"%d" % number), number, NOON)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[RestoreJournal]:
    with RestoreJournal.open(tmp_path, TARGET) as journal:
        yield journal


def again(tmp_path: Path, uidvalidity: int = 1, path: str = "INBOX") -> MailboxJournal:
    """What a later restore reads."""
    with RestoreJournal.peek(tmp_path, TARGET) as journal:
        return journal.mailbox(path, uidvalidity)


def test_what_was_settled_is_known_by_its_uids(journal: RestoreJournal, tmp_path: Path) -> None:
    mailbox = journal.mailbox("INBOX", 1)
    number = mailbox.intend(NOON, Uid(5), [sent(1), sent(2), sent(3)])
    mailbox.settle(number, [Uid(7), None, Uid(9)])
    mailbox.close()

    later = again(tmp_path)

    assert later.known == mailbox.known == {7: sent(1), 9: sent(3)}
    assert not later.open


def test_what_was_not_settled_is_open(journal: RestoreJournal, tmp_path: Path) -> None:
    mailbox = journal.mailbox("INBOX", 1)
    mailbox.intend(NOON, Uid(5), [sent(1)])
    mailbox.close()

    (attempt,) = again(tmp_path).open.values()

    assert (attempt.uidnext, attempt.at, list(attempt.messages)) == (5, NOON, [sent(1)])


def test_another_uidvalidity_is_another_mailbox(
    journal: RestoreJournal, tmp_path: Path
) -> None:
    mailbox = journal.mailbox("INBOX", 1)
    mailbox.settle(mailbox.intend(NOON, Uid(1), [sent(1)]), [Uid(1)])
    mailbox.intend(NOON, Uid(2), [sent(2)])
    mailbox.close()

    other = again(tmp_path, uidvalidity=2)

    assert not other.known
    assert not other.open


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_line_costs_only_itself(
    journal: RestoreJournal, tmp_path: Path, cut: int
) -> None:
    mailbox = journal.mailbox("INBOX", 1)
    mailbox.settle(mailbox.intend(NOON, Uid(1), [sent(1)]), [Uid(1)])
    mailbox.intend(NOON, Uid(2), [sent(2)])
    mailbox.close()
    (path,) = tmp_path.rglob("000001.jsonl")
    path.write_bytes(path.read_bytes()[:-cut])

    mailbox = journal.mailbox("INBOX", 1)
    mailbox.settle(mailbox.intend(NOON, Uid(3), [sent(3)]), [Uid(3)])
    mailbox.close()

    assert again(tmp_path).known == {1: sent(1), 3: sent(3)}


def test_lines_that_make_no_sense_say_nothing(journal: RestoreJournal, tmp_path: Path) -> None:
    with closing(journal.mailbox("INBOX", 1)) as mailbox:
        mailbox.intend(NOON, Uid(1), [sent(1)])
    (path,) = tmp_path.rglob("000001.jsonl")
    with path.open("ab") as file:
        file.write(
            b'\xff\n{}\n["got",1,["x"]]\n["try",2,"soon"]\n["try",3,0,1,1,[["zz",1,2]]]\n'
        )

    assert set(again(tmp_path).open) == {1}


def test_places_are_remembered(journal: RestoreJournal, tmp_path: Path) -> None:
    name = MailboxName(("Läbel", "a/b"))
    journal.note_place("work", name, "INBOX.L&AOQ-bel.a_b")

    with RestoreJournal.peek(tmp_path, TARGET) as later:
        assert later.place("work", name) == "INBOX.L&AOQ-bel.a_b"
        assert later.place("home", name) is None
        assert later.place("work", INBOX) is None


def test_targets_know_nothing_of_each_other(journal: RestoreJournal, tmp_path: Path) -> None:
    journal.note_place("work", INBOX, "INBOX")

    with RestoreJournal.open(tmp_path, "imap other.example.com me") as other:
        assert other.place("work", INBOX) is None


def test_one_target_is_for_one_restore(journal: RestoreJournal, tmp_path: Path) -> None:
    with pytest.raises(ArchiveLocked, match="another restore"):
        RestoreJournal.open(tmp_path, TARGET)


def test_a_look_writes_nothing(tmp_path: Path) -> None:
    with RestoreJournal.peek(tmp_path, TARGET) as journal:
        journal.note_place("work", INBOX, "INBOX")
        mailbox = journal.mailbox("INBOX", 1)
        mailbox.settle(mailbox.intend(NOON, Uid(1), [sent(1)]), [Uid(1)])

    assert list(tmp_path.iterdir()) == []


def test_nobody_else_may_read_it(journal: RestoreJournal, tmp_path: Path) -> None:
    with closing(journal.mailbox("INBOX", 1)) as mailbox:
        mailbox.intend(NOON, Uid(1), [sent(1)])

    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "restores").rglob("*")} == {0}
