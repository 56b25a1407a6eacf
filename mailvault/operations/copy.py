"""Copy: the archive at another place, brought level each time."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from mailvault.archive.archive import Archive
from mailvault.archive.copying import Copied, copy_archive
from mailvault.errors import MailvaultError
from mailvault.mail.changes import JobEnded
from mailvault.operations.reports import Progress
from mailvault.operations.verify import VerifyReport, verify
from mailvault.ports import Clock

log = logging.getLogger(__name__)

WAIT = 60.0
"""Seconds to wait for another process that writes to the archive."""


@dataclass(frozen=True, slots=True)
class CopyReport:
    """``files`` and ``octets`` were copied now; ``stored_octets`` is what lies there."""

    path: Path
    files: int
    octets: int
    stored_octets: int
    seconds: float
    verified: VerifyReport | None = None

    @property
    def exit_code(self) -> int:
        return 0 if self.verified is None else self.verified.exit_code


def copy(
    path: Path, target: Path, *, is_verified: bool, clock: Clock, progress: Progress
) -> CopyReport:
    """Bring the copy at ``target`` level, and note in the archive how that ended."""
    started_at, begun = clock.now(), clock.monotonic()
    copied = Copied(told=lambda octets: progress.stored(1, octets))
    try:
        copy_archive(path, target, clock=clock, wait=WAIT, copied=copied)
        report = _report(target, copied, clock, progress, is_verified=is_verified)
    except MailvaultError as error:
        _note(path, clock, _ended(copied, started_at, error.exit_code, f"{target}: {error}"))
        raise
    _note(path, clock, _ended(copied, started_at, report.exit_code, str(target)))
    return replace(report, seconds=clock.monotonic() - begun)


def _report(
    target: Path, copied: Copied, clock: Clock, progress: Progress, *, is_verified: bool
) -> CopyReport:
    with Archive.open(target, writing=False, clock=clock) as archive:
        return CopyReport(
            path=target,
            files=copied.files,
            octets=copied.octets,
            stored_octets=archive.stored_octets(),
            seconds=0.0,
            verified=verify(archive, progress=progress) if is_verified else None,
        )


def _ended(copied: Copied, started_at: datetime, exit_code: int, detail: str) -> JobEnded:
    return JobEnded(
        kind="copy",
        started_at=started_at,
        at=started_at,
        exit_code=exit_code,
        account=None,
        checked=copied.files,
        octets=copied.octets,
        detail=detail,
    )


def _note(path: Path, clock: Clock, job: JobEnded) -> None:
    """Write down in the archive how the copy ended, if that can be done now."""
    job = replace(job, at=clock.now())
    try:
        with Archive.open(path, writing=False, clock=clock) as archive:
            archive.note_job(job)
    except MailvaultError:
        log.warning("that this copy ended is not written down in the archive", exc_info=True)
