"""Verify: prove that the archive is whole, or name what is not."""

import logging
import math
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice

from mailvault.archive.archive import Archive
from mailvault.archive.proofs import Due, Proved, longest_unverified
from mailvault.errors import ArchiveDamaged, MessageMissing
from mailvault.housekeeping import processors
from mailvault.mail.changes import JobEnded
from mailvault.mail.model import Digest, MailboxName
from mailvault.operations.reports import Progress, Silent

log = logging.getLogger(__name__)

DAMAGED = 4
"""Exit code of a verify that found damage."""

AHEAD = 32
"""Messages under proof at once; each takes some MiB at most."""


KEPT_EVERY = timedelta(minutes=5)
"""How often it is written down what was proved."""


class VerifyMode(StrEnum):
    QUICK = "quick"  # structure only
    SAMPLE = "sample"  # structure, and a share of the messages read and hashed
    FULL = "full"  # structure, and every message read and hashed


@dataclass(frozen=True, slots=True)
class VerifyFinding:
    """One thing that is wrong; a damaged message once for each place it lies in."""

    kind: str
    detail: str
    digest: Digest | None = None
    account: str | None = None
    mailbox: MailboxName | None = None
    remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class VerifyReport:
    checked: int
    octets: int
    findings: tuple[VerifyFinding, ...]

    @property
    def exit_code(self) -> int:
        return DAMAGED if self.findings else 0


def verify(
    archive: Archive,
    *,
    mode: VerifyMode = VerifyMode.FULL,
    percent: float = 100.0,
    progress: Progress | None = None,
) -> VerifyReport:
    """Check the structure; then read and hash what ``mode`` asks for.

    Changes nothing but the list of what was done when.
    """
    started_at = archive.now()
    findings = [
        VerifyFinding(finding.kind, finding.detail, finding.digest)
        for finding in archive.check()
    ]
    if progress is not None and mode is not VerifyMode.QUICK:
        progress.expect(round(archive.catalog.status().messages * percent / 100))
    checked = octets = 0
    proved = _Progress(archive, started_at)
    for due, outcome in _proofs(archive, _chosen(archive, mode, percent)):
        checked += 1
        if isinstance(outcome, int):
            octets += outcome
            proved.add(due)
            (progress or Silent()).stored(1, outcome)
        else:
            log.warning("%s: %s", due.digest, outcome)
            findings += _located(archive, due.digest, outcome)
    proved.keep()
    report = VerifyReport(checked, octets, tuple(findings))
    detail = f"sample {percent:g}%" if mode is VerifyMode.SAMPLE else mode.value
    _note(archive, report, started_at, detail)
    return report


def _note(archive: Archive, report: VerifyReport, started_at: datetime, detail: str) -> None:
    archive.note_job(
        JobEnded(
            kind="verify",
            started_at=started_at,
            at=archive.now(),
            exit_code=report.exit_code,
            account=None,
            checked=report.checked,
            octets=report.octets,
            detail=detail,
        )
    )


class _Progress:
    """Remembers what was proved, now and then: a long verify that is killed was not in vain.

    What is damaged is never proved, so every later sample finds it again.
    """

    def __init__(self, archive: Archive, started_at: datetime) -> None:
        self._archive = archive
        self._at = started_at
        self._kept_at = started_at
        self._proved = Proved()

    def add(self, due: Due) -> None:
        self._proved.add(due)
        now = self._archive.now()
        if now - self._kept_at > KEPT_EVERY:
            self._kept_at = now
            self.keep()

    def keep(self) -> None:
        stretches = self._proved.take()
        if not self._archive.note_proved(stretches, self._at):
            self._proved.put_back(stretches)


def _chosen(archive: Archive, mode: VerifyMode, percent: float) -> Iterator[Due]:
    """What was read longest ago comes first, so that samples cover everything in the end."""
    match mode:
        case VerifyMode.QUICK:
            return iter(())
        case VerifyMode.FULL:
            return longest_unverified(archive.catalog)
        case VerifyMode.SAMPLE:
            share = math.ceil(archive.catalog.status().messages * percent / 100)
            return islice(longest_unverified(archive.catalog), share)


Outcome = int | ArchiveDamaged | MessageMissing


def _proofs(archive: Archive, dues: Iterable[Due]) -> Iterator[tuple[Due, Outcome]]:
    """Prove several messages at once: hashing and decompressing leave the other core free."""
    under_way: deque[tuple[Due, Future[Outcome]]] = deque()
    with ThreadPoolExecutor(min(4, processors()), "verify") as pool:
        for due in dues:
            under_way.append((due, pool.submit(_prove, archive, due.digest)))
            if len(under_way) >= AHEAD:
                done, future = under_way.popleft()
                yield done, future.result()
        for done, future in under_way:
            yield done, future.result()


def _prove(archive: Archive, digest: Digest) -> Outcome:
    try:
        return archive.content.prove(digest)
    except (ArchiveDamaged, MessageMissing) as error:
        return error


def _located(
    archive: Archive, digest: Digest, error: ArchiveDamaged | MessageMissing
) -> Iterator[VerifyFinding]:
    """Name every place of a damaged message, so that a person knows what is at stake."""
    kind = "missing" if isinstance(error, MessageMissing) else "damaged"
    for view in archive.catalog.placements(digest=digest):
        remote_id = view.uidl or str(view.uid)
        yield VerifyFinding(kind, str(error), digest, view.account, view.mailbox, remote_id)
