"""Both sides of a move, mailbox by mailbox: what the archive has of one, what the other holds.

Asks the target for sizes and dates only, and trusts nothing that a restore said it did,
except for what somebody has moved or deleted there since.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import MailboxView
from mailvault.archive.restores import RestoreJournal
from mailvault.errors import MailvaultError, ServerRefused
from mailvault.mail.model import MailboxName
from mailvault.operations.restore_presence import arrival
from mailvault.operations.restore_report import RestoredMailbox
from mailvault.operations.selection import Selection
from mailvault.ports import RemoteDestination

_SIZE_BITS = 40


@dataclass(frozen=True, slots=True)
class Held:
    messages: int = 0
    octets: int = 0


@dataclass(frozen=True, slots=True)
class Differences:
    """How two mailboxes differ, in messages.

    ``resized``: of the same date, but another size, as servers that mend messages leave them.
    ``redated``: of the same size, but another date. ``only_new`` was never on the old side.
    """

    missing: int = 0
    only_new: int = 0
    resized: int = 0
    redated: int = 0


@dataclass(frozen=True, slots=True)
class Sides:
    """One mailbox of the new side, and those of the old one that went into it.

    ``taken_away``: moved or deleted at the new side since it came there. ``new`` is None
    where nobody could look.
    """

    mailboxes: tuple[MailboxName, ...]
    target: MailboxName | None
    old: Held = Held()
    new: Held | None = None
    moved: int = 0
    refused: int = 0
    taken_away: int = 0
    differences: Differences = Differences()
    error: MailvaultError | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What shall be compared, as a restore left it."""

    archive: Archive
    selection: Selection
    restored: Sequence[RestoredMailbox]


def foretold(comparison: Comparison) -> tuple[Sides, ...]:
    """The old side alone: the new one is not asked."""
    views = _views(comparison)
    return tuple(
        _ours([each], [views[each.mailbox]])
        for each in comparison.restored
        if each.mailbox in views
    )


def compare(
    comparison: Comparison, open_destination: Callable[[], RemoteDestination]
) -> Iterator[Sides]:
    """Look at the new side. Raises SourceError: what was yielded remains valid."""
    views = _views(comparison)
    account = comparison.selection.account or ""
    with (
        open_destination() as destination,
        RestoreJournal.peek(comparison.archive.path, destination.identity) as journal,
    ):
        groups: dict[str | None, list[RestoredMailbox]] = defaultdict(list)
        for each in comparison.restored:
            if each.mailbox in views:
                place = journal.place(account, each.mailbox) if each.target else None
                groups[place].append(each)
        for path, group in groups.items():
            chosen = [views[each.mailbox] for each in group]
            sides = _ours(group, chosen)
            if path is None:
                yield sides
                continue
            try:
                yield _Look(comparison, destination, journal).at(path, sides, chosen)
            except ServerRefused as error:
                yield replace(sides, error=error)


def _views(comparison: Comparison) -> dict[MailboxName, MailboxView]:
    return {
        view.name: view
        for view in comparison.selection.mailboxes(comparison.archive)
        if view.is_selectable or view.messages
    }


def _ours(group: Sequence[RestoredMailbox], views: Sequence[MailboxView]) -> Sides:
    errors = [each.error for each in group if each.error]
    return Sides(
        tuple(each.mailbox for each in group),
        group[0].target,
        Held(sum(view.messages for view in views), sum(view.octets for view in views)),
        moved=sum(each.appended for each in group),
        refused=sum(each.refused for each in group),
        error=errors[0] if errors else None,
    )


@dataclass(frozen=True, slots=True)
class _Look:
    comparison: Comparison
    destination: RemoteDestination
    journal: RestoreJournal

    def at(self, path: str, sides: Sides, views: Sequence[MailboxView]) -> Sides:
        state = self.destination.open(path)
        uids = self.destination.uids()
        missing = self._wanted(views)
        strangers: Counter[int] = Counter()
        count = octets = 0
        for seen in self.destination.glance(uids):
            count, octets = count + 1, octets + seen.size
            key = _key(0 if seen.internal_date is None else _at(seen.internal_date), seen.size)
            if not _take(missing, key):
                strangers[key] += 1
        taken = self._taken_away(path, state.uidvalidity, set(uids), missing)
        return replace(
            sides,
            new=Held(count, octets),
            taken_away=taken,
            differences=differences(missing, strangers),
        )

    def _wanted(self, views: Sequence[MailboxView]) -> Counter[int]:
        ids = {view.mailbox_id for view in views}
        placements = self.comparison.selection.placements(self.comparison.archive, ids)
        return Counter(_key(_at(arrival(view)), view.size) for view in placements)

    def _taken_away(
        self, path: str, uidvalidity: int, present: set[int], missing: Counter[int]
    ) -> int:
        mailbox = self.journal.mailbox(path, uidvalidity)
        mailbox.close()
        gone = (sent for uid, sent in mailbox.known.items() if uid not in present)
        return sum(
            sent.date is not None and _take(missing, _key(_at(sent.date), sent.size))
            for sent in gone
        )


def differences(missing: Counter[int], strangers: Counter[int]) -> Differences:
    """Pair what is left on both sides, first by date, then by size."""
    resized, missing, strangers = _paired(missing, strangers, lambda key: key >> _SIZE_BITS)
    redated, missing, strangers = _paired(
        missing, strangers, lambda key: key & ((1 << _SIZE_BITS) - 1)
    )
    return Differences(missing.total(), strangers.total(), resized, redated)


def _paired(
    missing: Counter[int], strangers: Counter[int], part: Callable[[int], int]
) -> tuple[int, Counter[int], Counter[int]]:
    """Count pairs that are alike in one part of the key; give what found no partner."""
    left = Counter(dict(_summed(missing, part)))
    paired, others = 0, Counter[int]()
    for key, count in strangers.items():
        matched = min(count, left[part(key)])
        left[part(key)] -= matched
        paired += matched
        if count > matched:
            others[key] = count - matched
    rest = Counter[int]()
    for key, count in missing.items():
        kept = min(count, left[part(key)])
        left[part(key)] -= kept
        if kept:
            rest[key] = kept
    return paired, rest, others


def _summed(counts: Counter[int], part: Callable[[int], int]) -> Iterable[tuple[int, int]]:
    sums: Counter[int] = Counter()
    for key, count in counts.items():
        sums[part(key)] += count
    return sums.items()


def _take(counts: Counter[int], key: int) -> bool:
    left = counts.get(key, 0)
    if left > 1:
        counts[key] = left - 1
    elif left:
        del counts[key]
    return left > 0


def _at(instant: datetime) -> int:
    return int(instant.timestamp())


def _key(seconds: int, size: int) -> int:
    """Date and size in one number, for there may be millions of them."""
    return (seconds << _SIZE_BITS) + size
