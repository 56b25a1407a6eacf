"""Repair: heal what verify finds, from servers, from the catalog and from the journal."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mailvault.archive.archive import Archive
from mailvault.archive.structure import Step, diagnose, mend
from mailvault.errors import ArchiveDamaged, MessageMissing
from mailvault.mail.changes import Healed, JobEnded, Pruned, Quarantined
from mailvault.mail.model import Digest, MailboxName
from mailvault.operations.healing import Healing
from mailvault.operations.recovery import recover
from mailvault.operations.reports import Progress, Silent
from mailvault.operations.verify import DAMAGED
from mailvault.ports import Clock, Reclaiming, Salvaging, Source

log = logging.getLogger(__name__)

OpenSource = Callable[[], AbstractContextManager[Source]]


@dataclass(frozen=True, slots=True)
class RepairAccount:
    """Where lost messages may be fetched from."""

    name: str
    protocol: str
    open_source: Callable[[Path], OpenSource]
    """Give it the folder for temporary files."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A place of a message of which the octets are lost, or were before they were healed."""

    digest: Digest
    account: str
    mailbox: MailboxName
    remote_id: str
    subject: str | None
    date: datetime | None
    size: int


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """What is broken. ``damaged`` is None while the structure must be mended first."""

    steps: tuple[Step, ...]
    damaged: tuple[Lost, ...] | None
    orphans: int

    @property
    def is_empty(self) -> bool:
        return not self.steps and not self.damaged

    @property
    def exit_code(self) -> int:
        return 0 if self.is_empty else DAMAGED


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What was done, and what is left. ``unreachable`` says why, by account."""

    done: tuple[str, ...]
    healed: tuple[Lost, ...]
    lost: tuple[Lost, ...]
    unreachable: dict[str, str]
    orphans: int
    dropped: int

    @property
    def exit_code(self) -> int:
        return DAMAGED if self.lost else 0


def plan_repair(path: Path, clock: Clock, progress: Progress | None = None) -> RepairPlan:
    """Read and hash everything, and say what is broken. Changes nothing."""
    steps = tuple(diagnose(path, clock=clock))
    if any(step.part != "content" for step in steps):
        return RepairPlan(steps, None, 0)
    with Archive.open(path, writing=False, clock=clock) as archive:
        damaged = find_damaged(archive, progress or Silent())
        steps += tuple(_maildir_steps(archive))
        return RepairPlan(steps, tuple(_places(archive, damaged)), len(_orphans(archive)))


def _maildir_steps(archive: Archive) -> Iterator[Step]:
    faults = archive.maildir_faults()
    if faults:
        fault = faults[0] if len(faults) == 1 else f"{faults[0]}, and {len(faults) - 1} more"
        yield Step("maildir", fault, "show there what the catalog says")


def repair(
    path: Path,
    clock: Clock,
    accounts: Sequence[RepairAccount],
    *,
    drop_orphans: bool = False,
    progress: Progress | None = None,
) -> RepairReport:
    """Make the structure whole, fetch what is lost, and set aside what nobody has any more.

    Killed anywhere, it can be repeated.
    """
    started_at = clock.now()
    names = [(account.name, account.protocol) for account in accounts]
    done = list(mend(path, clock=clock, accounts=names))
    with Archive.open(path, writing=True, clock=clock) as archive:
        orphans = _orphans(archive)
        if not drop_orphans and archive.catalog.has_lost_memory():
            done += recover(archive, orphans)
            orphans = []
        report = _heal(archive, accounts, progress or Silent())
        if archive.maildir_faults():
            archive.level_maildirs()
            done.append("the Maildirs show what the catalog says again")
        dropped = _drop(archive, orphans) if drop_orphans else 0
        done += report.done
        final = RepairReport(
            tuple(done),
            report.healed,
            report.lost,
            report.unreachable,
            len(orphans) - dropped,
            dropped,
        )
        _note(archive, started_at, final)
    return final


def find_damaged(archive: Archive, progress: Progress) -> list[Digest]:
    """The messages that cannot be given back."""
    progress.expect(archive.catalog.status().messages)
    damaged = []
    for digest in archive.catalog.digests():
        try:
            progress.stored(1, archive.content.prove(digest))
        except (ArchiveDamaged, MessageMissing) as error:
            log.info("%s: %s", digest, error)
            damaged.append(digest)
    return damaged


def _heal(
    archive: Archive, accounts: Sequence[RepairAccount], progress: Progress
) -> RepairReport:
    damaged = find_damaged(archive, progress)
    before = tuple(_places(archive, damaged))
    healing = Healing(archive, damaged)
    for account in accounts if damaged else ():
        healing.ask(account.name, account.open_source(archive.tmp))
    lost = healing.finish()
    for digest in archive.catalog.unindexed():
        archive.index_again(digest)
    _remember(archive, lost, is_certain=not healing.unreachable)
    return RepairReport(
        done=(),
        healed=tuple(each for each in before if each.digest not in lost),
        lost=tuple(each for each in before if each.digest in lost),
        unreachable=healing.unreachable,
        orphans=0,
        dropped=0,
    )


def _remember(archive: Archive, lost: set[Digest], *, is_certain: bool) -> None:
    """Write down what is lost now that it was sought everywhere, and what is back."""
    known = set(archive.catalog.quarantined())
    back, new = sorted(known - lost), sorted(lost - known)
    if back:
        archive.tell([Healed(tuple(back))])
    if new and is_certain:
        archive.tell([Quarantined(archive.now(), tuple(new))])


def _places(archive: Archive, damaged: Sequence[Digest]) -> Iterator[Lost]:
    for digest in damaged:
        for view in archive.catalog.placements_of(digest):
            yield Lost(
                digest=digest,
                account=view.account,
                mailbox=view.mailbox,
                remote_id=view.remote_id,
                subject=view.subject,
                date=view.internal_date or view.date,
                size=view.size,
            )


def _orphans(archive: Archive) -> list[Digest]:
    """Messages of the content that the catalog does not know, and did not forget."""
    if not isinstance(archive.content, Salvaging):
        return []
    forgotten = archive.catalog.forgotten()

    def is_kept(digest: Digest) -> bool:
        return digest in forgotten or bool(archive.catalog.sizes([digest]))

    return list(archive.content.orphans(is_kept))


def _drop(archive: Archive, orphans: Sequence[Digest]) -> int:
    """Let go of messages that nothing refers to, as prune does."""
    if not orphans or not isinstance(archive.content, Reclaiming):
        return 0
    archive.tell([Pruned(tuple(sorted(orphans)))])
    archive.content.reclaim(
        archive.catalog.forgotten(), lambda digest: bool(archive.catalog.sizes([digest]))
    )
    return len(orphans)


def _note(archive: Archive, started_at: datetime, report: RepairReport) -> None:
    healed = {each.digest: each.size for each in report.healed}
    lost = {each.digest for each in report.lost}
    parts = [*report.done, f"{len(healed)} messages healed, {len(lost)} lost"]
    archive.note_job(
        JobEnded(
            kind="repair",
            started_at=started_at,
            at=archive.now(),
            exit_code=report.exit_code,
            account=None,
            checked=archive.catalog.status().messages,
            octets=sum(healed.values()),
            detail="; ".join(parts)[:500],
        )
    )
