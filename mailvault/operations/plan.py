"""What to do with the mailboxes that a server lists. Pure."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from mailvault.mail.model import INBOX, Cursor, Mailbox, MailboxName
from mailvault.operations.guards import suspicious_renaming


@dataclass(frozen=True, slots=True)
class Archived:
    """A mailbox as the archive has it."""

    mailbox_id: int
    name: MailboxName
    messages: int
    cursor: Cursor | None
    is_gone: bool
    uidvalidity: int | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One mailbox to walk. ``archived`` is None for one that is new."""

    mailbox: Mailbox
    archived: Archived | None = None

    @property
    def cursor(self) -> Cursor | None:
        """A mailbox that was gone is walked in full: its placements ended with it."""
        if self.archived is None or self.archived.is_gone:
            return None
        return self.archived.cursor


@dataclass(frozen=True, slots=True)
class MailboxPlan:
    tasks: tuple[Task, ...]
    gone: tuple[Archived, ...]
    suspicion: str | None = None


def plan_mailboxes(
    listed: Sequence[Mailbox],
    archived: Collection[Archived],
    is_same: Callable[[Mailbox, Archived], bool],
) -> MailboxPlan:
    """Match what the server lists with what the archive has: same, renamed, new, or gone.

    A server that is not ready lists nothing at all, which proves nothing: then no mailbox
    is gone.
    """
    by_name = _by_name(archived)
    names = {mailbox.name for mailbox in listed}
    missing = [each for each in archived if not each.is_gone and each.name not in names]
    if not listed and missing:
        return MailboxPlan((), (), f"the server lists none of {len(missing)} mailboxes")
    tasks, renamed = [], set()
    for mailbox in listed:
        known = by_name.get(mailbox.name)
        if known is None:
            candidates = (each for each in missing if each.mailbox_id not in renamed)
            known = next((each for each in candidates if is_same(mailbox, each)), None)
            if known is not None:
                renamed.add(known.mailbox_id)
        tasks.append(Task(mailbox, known))
    gone = tuple(each for each in missing if each.mailbox_id not in renamed)
    before = sum(not each.is_gone and each.name != INBOX for each in archived)
    suspicion = suspicious_renaming(len(renamed), len(gone), before)
    return MailboxPlan(tuple(tasks), gone, suspicion)


def _by_name(archived: Iterable[Archived]) -> dict[MailboxName, Archived]:
    """One mailbox a name: the present one, else the one that was gone last."""
    order = sorted(archived, key=lambda each: (not each.is_gone, each.mailbox_id))
    return {each.name: each for each in order}
