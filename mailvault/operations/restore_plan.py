"""Which mailboxes of an archive go where on a target. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mailvault.archive.catalog.views import MailboxView
from mailvault.mail.delivery import TargetMailbox, WantedMailbox
from mailvault.mail.model import INBOX, MailboxName
from mailvault.operations.restore_report import MailboxMap


@dataclass(frozen=True, slots=True)
class Move:
    """Mailboxes of the archive that go into one mailbox of the target."""

    wanted: WantedMailbox
    views: tuple[MailboxView, ...]

    @property
    def names(self) -> tuple[MailboxName, ...]:
        """What they are called in the archive, each once."""
        return tuple(dict.fromkeys(view.name for view in self.views))

    @property
    def mailbox_ids(self) -> set[int]:
        return {view.mailbox_id for view in self.views}


@dataclass(frozen=True, slots=True)
class Task:
    """A move that has found its place."""

    move: Move
    place: TargetMailbox


def moves(
    views: Sequence[MailboxView], mapping: MailboxMap, *, is_same_account: bool
) -> list[Move]:
    """Say what is wanted on the target. An account's own names need no translation."""
    prefix = () if is_same_account else _namespace(view.name for view in views)
    by_name: dict[MailboxName, list[MailboxView]] = {}
    wanted: dict[MailboxName, WantedMailbox] = {}
    for view in views:
        chosen = mapping.target(view.name)
        name = chosen or _without(view.name, prefix)
        by_name.setdefault(name, []).append(view)
        wanted.setdefault(
            name,
            WantedMailbox(
                name,
                special_use=None if chosen else view.special_use,
                is_subscribed=view.is_subscribed,
                is_exact=is_same_account,
                is_chosen=chosen is not None,
            ),
        )
    return [Move(wanted[name], tuple(some)) for name, some in by_name.items()]


def _namespace(names: Iterable[MailboxName]) -> tuple[str, ...]:
    """What a server puts in front of all the user's names: Courier and old Cyrus do so."""
    others = [name for name in names if name != INBOX]
    all_below = others and all(name.parts[0] == INBOX.parts[0] for name in others)
    return INBOX.parts if all_below else ()


def _without(name: MailboxName, prefix: tuple[str, ...]) -> MailboxName:
    if not prefix or name == INBOX:
        return name
    return MailboxName(name.parts[len(prefix) :])
