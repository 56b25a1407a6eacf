"""Gives messages that nothing refers to a mailbox of their own."""

from collections.abc import Iterator, Sequence

from mailvault.archive.archive import Archive
from mailvault.archive.mending import RECOVERED
from mailvault.errors import ArchiveDamaged, MessageMissing
from mailvault.mail.changes import (
    AccountAdded,
    MailboxChanged,
    MailboxDescribed,
    Placed,
    Record,
    RunFinished,
    RunStarted,
)
from mailvault.mail.model import Digest, MailboxName, RunNumber, Uid

GROUP = 1000
PROTOCOL = "none"
MAILBOX = MailboxName((RECOVERED,))


def recover(archive: Archive, orphans: Sequence[Digest]) -> Iterator[str]:
    """List messages whose places are lost with a part of the journal, in an account of theirs.

    What is listed there stays when a sync finds the same messages on a server again.
    """
    placed = list(_placed(archive, orphans))
    if not placed:
        return
    mailbox_id, records = _mailbox(archive)
    first = archive.known(mailbox_id).highest() + 1
    run = RunNumber((archive.catalog.last_run() or 0) + 1)
    archive.tell([RunStarted(run, archive.now()), *records])
    for start in range(0, len(placed), GROUP):
        some = tuple(
            Placed(Uid(first + start + number), digest, size, frozenset(), None)
            for number, (digest, size) in enumerate(placed[start : start + GROUP])
        )
        archive.tell([MailboxChanged(mailbox_id, 1, placed=some)])
    archive.tell([RunFinished(archive.now(), 0)])
    yield f"{len(placed)} messages that nothing referred to are in {RECOVERED}/{MAILBOX}"


def _mailbox(archive: Archive) -> tuple[int, list[Record]]:
    """The mailbox for what was recovered, and the records that make it."""
    accounts = {view.name: view.account_id for view in archive.catalog.accounts()}
    number = accounts.get(RECOVERED, max(accounts.values(), default=0) + 1)
    views = list(archive.catalog.mailboxes(include_gone=True))
    for view in views:
        if (view.account, view.name) == (RECOVERED, MAILBOX):
            return view.mailbox_id, []
    mailbox_id = max((view.mailbox_id for view in views), default=0) + 1
    described = MailboxDescribed(mailbox_id, number, MAILBOX, None, None, frozenset(), True)
    return mailbox_id, [AccountAdded(number, RECOVERED, PROTOCOL), described]


def _placed(archive: Archive, orphans: Sequence[Digest]) -> Iterator[tuple[Digest, int]]:
    for digest in orphans:
        try:
            yield digest, archive.content.prove(digest)
        except (ArchiveDamaged, MessageMissing):
            continue
