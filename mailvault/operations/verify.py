"""Verify: prove that the archive is whole, or name what is not."""

import logging
import os
import random
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from mailvault.archive.archive import Archive
from mailvault.errors import ArchiveDamaged, MessageMissing
from mailvault.mail.changes import JobEnded
from mailvault.mail.model import Digest, MailboxName
from mailvault.operations.reports import Progress, Silent

log = logging.getLogger(__name__)

DAMAGED = 4
"""Exit code of a verify that found damage."""

AHEAD = 32
"""Messages under proof at once; each takes some MiB at most."""


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
    for digest, outcome in _proofs(archive, _chosen(archive, mode, percent)):
        checked += 1
        if isinstance(outcome, int):
            octets += outcome
            (progress or Silent()).stored(1, outcome)
        else:
            log.warning("%s: %s", digest, outcome)
            findings += _located(archive, digest, outcome)
    report = VerifyReport(checked, octets, tuple(findings))
    archive.note_job(
        JobEnded(
            kind="verify",
            started_at=started_at,
            at=archive.now(),
            exit_code=report.exit_code,
            account=None,
            checked=checked,
            octets=octets,
            detail=f"sample {percent:g}%" if mode is VerifyMode.SAMPLE else mode.value,
        )
    )
    return report


def _chosen(archive: Archive, mode: VerifyMode, percent: float) -> Iterator[Digest]:
    match mode:
        case VerifyMode.QUICK:
            return iter(())
        case VerifyMode.FULL:
            return archive.catalog.digests()
        case VerifyMode.SAMPLE:
            chance = random.SystemRandom()
            return (d for d in archive.catalog.digests() if chance.random() * 100 < percent)


Outcome = int | ArchiveDamaged | MessageMissing


def _proofs(archive: Archive, digests: Iterable[Digest]) -> Iterator[tuple[Digest, Outcome]]:
    """Prove several messages at once: hashing and decompressing leave the other core free."""
    under_way: deque[tuple[Digest, Future[Outcome]]] = deque()
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1), "verify") as pool:
        for digest in digests:
            under_way.append((digest, pool.submit(_prove, archive, digest)))
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
