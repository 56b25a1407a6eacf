"""Diff: what is different at one time from what was at an earlier one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import MailboxView, PlacementView
from mailvault.archive.differences import Differences, Lying
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import MailboxName, RunNumber
from mailvault.operations.pairing import pair


class ChangeKind(StrEnum):
    MAILBOX_CREATED = "mailbox-created"
    MAILBOX_RENAMED = "mailbox-renamed"
    MAILBOX_GONE = "mailbox-gone"
    ARRIVED = "arrived"
    MOVED = "moved"
    FLAGS = "flags"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class MailboxChange:
    """``before`` and ``after`` are its names; None where it was not there."""

    kind: ChangeKind
    account: str
    before: MailboxName | None
    after: MailboxName | None


@dataclass(frozen=True, slots=True)
class MessageChange:
    """``before`` and ``after`` say where it was; None where it was in no mailbox."""

    kind: ChangeKind
    before: PlacementView | None
    after: PlacementView | None

    @property
    def view(self) -> PlacementView:
        view = self.after or self.before
        assert view is not None
        return view


Change = MailboxChange | MessageChange


def diff(
    archive: Archive,
    first: RunNumber,
    last: RunNumber,
    *,
    account: str | None = None,
    globs: MailboxGlobs | None = None,
) -> Iterator[Change]:
    """Yield what is different after run ``last`` from what was after run ``first``.

    Run 0 is before everything. What came and went in between shows in neither.
    """
    differences = Differences(archive.catalog, first, last, account)
    changes = _all_changes(differences)
    return (each for each in changes if globs is None or _is_chosen(each, globs))


def _all_changes(differences: Differences) -> Iterator[Change]:
    for before, after in differences.mailboxes:
        change = mailbox_change(before, after)
        if change is not None:
            yield change
    for touched in differences.touched():
        yield from message_changes(touched.before, touched.after)
    for each in differences.reflagged():
        yield MessageChange(ChangeKind.FLAGS, each.before, each.after)


def mailbox_change(
    before: MailboxView | None, after: MailboxView | None
) -> MailboxChange | None:
    """Say what became of a mailbox; None if nothing did."""
    if before is None:
        kind = ChangeKind.MAILBOX_CREATED
    elif after is None:
        kind = ChangeKind.MAILBOX_GONE
    elif before.name != after.name:
        kind = ChangeKind.MAILBOX_RENAMED
    else:
        return None
    there = after or before
    if there is None:
        return None
    return MailboxChange(
        kind, there.account, before.name if before else None, after.name if after else None
    )


def message_changes(before: Sequence[Lying], after: Sequence[Lying]) -> Iterator[MessageChange]:
    """Match where one message lay with where it lies.

    In the same mailbox it only has another number; in another one of the account it moved.
    """
    same = pair(before, after, lambda each: each.mailbox_id)
    for old, new in same.matched:
        if old.view.flags != new.view.flags:
            yield MessageChange(ChangeKind.FLAGS, old.view, new.view)
    moved = pair(same.left, same.came, lambda each: each.view.account)
    for old, new in moved.matched:
        yield MessageChange(ChangeKind.MOVED, old.view, new.view)
    for each in moved.came:
        yield MessageChange(ChangeKind.ARRIVED, None, each.view)
    for each in moved.left:
        yield MessageChange(ChangeKind.GONE, each.view, None)


def _is_chosen(change: Change, globs: MailboxGlobs) -> bool:
    if isinstance(change, MailboxChange):
        names = [change.before, change.after]
    else:
        names = [each.mailbox if each else None for each in (change.before, change.after)]
    return any(name is not None and globs.matches(name) for name in names)
