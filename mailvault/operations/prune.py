"""Prune: forget expunged mail by an explicit policy. Never runs by itself."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import EndingView, ExpungedView
from mailvault.errors import UsageError
from mailvault.mail.changes import JobEnded, Pruned
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Digest, MailboxName, RunNumber
from mailvault.operations.reports import INCOMPLETE
from mailvault.operations.retention import RunTime, settled_until
from mailvault.ports import Reclaiming, Waste

GROUP = 5000
"""Messages in one record."""


@dataclass(frozen=True, slots=True)
class PrunePolicy:
    """What may go: gone for so many days, and not to be seen in the last runs of an account.

    A message goes only if every place it ever lay in allows it.
    """

    gone_for: int | None = None
    keep_last: int | None = None
    account: str | None = None
    globs: MailboxGlobs | None = None

    def __str__(self) -> str:
        parts = [
            self.gone_for is not None and f"gone for {self.gone_for} days",
            self.keep_last is not None and f"not in the last {self.keep_last} runs",
            self.account is not None and f"account {self.account}",
            self.globs is not None and f"mailboxes {' '.join(self.globs.patterns)}",
        ]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class PruneMailbox:
    """What goes of a mailbox: the one in which the messages lay last."""

    account: str
    mailbox: MailboxName
    messages: int
    octets: int


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """What would be forgotten. ``frozen`` accounts keep everything: a guard fired there."""

    digests: frozenset[Digest]
    mailboxes: tuple[PruneMailbox, ...]
    octets: int
    waste: Waste
    frozen: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not self.digests and not self.waste.reclaimable

    @property
    def exit_code(self) -> int:
        return INCOMPLETE if self.frozen else 0


@dataclass(frozen=True, slots=True)
class PruneReport:
    """What was forgotten, and the octets that the disk has got back."""

    plan: PrunePlan
    messages: int
    freed: int

    @property
    def exit_code(self) -> int:
        return self.plan.exit_code


def plan_prune(archive: Archive, policy: PrunePolicy) -> PrunePlan:
    """Choose what a policy lets go. Changes nothing.

    Raises:
        UsageError: the policy names no age and no runs, or the store cannot be pruned.
    """
    if policy.gone_for is None and policy.keep_last is None:
        raise UsageError(
            "nothing says what may be forgotten",
            hint="say --gone-for 1y, or --keep-last 30, or both",
        )
    store = _reclaiming(archive)
    frozen = {each.account for each in archive.catalog.suspicions()}
    bounds = {
        account.name: _bound(archive, policy, account.name)
        for account in archive.catalog.accounts()
        if account.name not in frozen
    }
    choice = _Choice()
    for message in archive.catalog.expunged():
        if may_go(message, policy, bounds):
            choice.take(message)
    forgotten = archive.catalog.forgotten() | choice.digests
    concerned = frozen if policy.account is None else frozen & {policy.account}
    return PrunePlan(
        digests=frozenset(choice.digests),
        mailboxes=choice.mailboxes(),
        octets=choice.octets,
        waste=store.waste(forgotten, _keeper(archive, choice.digests)),
        frozen=tuple(sorted(concerned)),
    )


def prune(archive: Archive, policy: PrunePolicy, agreed: Collection[Digest]) -> PruneReport:
    """Forget what the policy lets go and was ``agreed`` to; then give its room back.

    The journal says first what is forgotten. Killed anywhere, it can be repeated: what is
    forgotten stays so, and room that was not given back is given back then.
    """
    started_at = archive.now()
    plan = plan_prune(archive, policy)
    digests = sorted(plan.digests & frozenset(agreed))
    for start in range(0, len(digests), GROUP):
        archive.tell([Pruned(tuple(digests[start : start + GROUP]))])
    freed = _reclaiming(archive).reclaim(archive.catalog.forgotten(), _keeper(archive))
    report = PruneReport(plan, len(digests), freed)
    archive.note_job(
        JobEnded(
            kind="prune",
            started_at=started_at,
            at=archive.now(),
            exit_code=report.exit_code,
            account=policy.account,
            checked=report.messages,
            octets=report.freed,
            detail=str(policy),
        )
    )
    return report


def _reclaiming(archive: Archive) -> Reclaiming:
    if not isinstance(archive.content, Reclaiming):
        raise UsageError(
            f"archives of kind {archive.store!r} cannot be pruned yet",
            hint="nothing was changed",
        )
    return archive.content


def _keeper(archive: Archive, going: Collection[Digest] = ()) -> Callable[[Digest], bool]:
    """Whether the catalog keeps a message that is not about to be forgotten."""
    return lambda digest: digest not in going and bool(archive.catalog.sizes([digest]))


def _bound(archive: Archive, policy: PrunePolicy, account: str) -> RunNumber | None:
    """The last run of which the ends are old enough; None while there is none."""
    bounds = []
    if policy.gone_for is not None:
        bounds.append(_settled(archive, policy.gone_for))
    if policy.keep_last is not None:
        runs = archive.catalog.last_runs_of(account, policy.keep_last)
        bounds.append(runs[-1] if len(runs) == policy.keep_last else None)
    known = [bound for bound in bounds if bound is not None]
    return min(known) if len(known) == len(bounds) else None


def _settled(archive: Archive, days: int) -> RunNumber | None:
    runs = (
        RunTime(each.run, each.started_at, each.finished_at)
        for each in archive.catalog.run_times()
    )
    present = RunNumber((archive.catalog.last_run() or 0) + 1)
    return settled_until(runs, present=present, now=archive.now(), days=days)


def may_go(
    message: ExpungedView, policy: PrunePolicy, bounds: Mapping[str, RunNumber | None]
) -> bool:
    """Whether a message may be forgotten. ``bounds`` lack accounts that keep everything."""
    if policy.account is not None and any(
        ending.account != policy.account for ending in message.endings
    ):
        return False
    if policy.globs is not None and not all(
        policy.globs.matches(ending.mailbox) for ending in last_places(message)
    ):
        return False
    return all(_is_old(ending, bounds.get(ending.account)) for ending in message.endings)


def _is_old(ending: EndingView, bound: RunNumber | None) -> bool:
    return bound is not None and ending.gone_run <= bound


def last_places(message: ExpungedView) -> list[EndingView]:
    """Where the message was when it went: what it was moved from before does not count."""
    last = max(ending.gone_run for ending in message.endings)
    return [ending for ending in message.endings if ending.gone_run == last]


class _Choice:
    """Adds up what goes."""

    def __init__(self) -> None:
        self.digests: set[Digest] = set()
        self.octets = 0
        self._mailboxes: dict[tuple[str, MailboxName], tuple[int, int]] = {}

    def take(self, message: ExpungedView) -> None:
        self.digests.add(message.digest)
        self.octets += message.size
        place = last_places(message)[0]
        key = place.account, place.mailbox
        messages, octets = self._mailboxes.get(key, (0, 0))
        self._mailboxes[key] = messages + 1, octets + message.size

    def mailboxes(self) -> tuple[PruneMailbox, ...]:
        return tuple(PruneMailbox(*key, *sums) for key, sums in sorted(self._mailboxes.items()))
