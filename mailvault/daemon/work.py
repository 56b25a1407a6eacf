"""Does the jobs of a configuration and says how each ended. Raises nothing but bugs."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mailvault import wiring
from mailvault.archive.archive import Archive
from mailvault.config.model import AccountSettings, Configuration
from mailvault.errors import ArchiveLocked, MailvaultError
from mailvault.mail.changes import JobEnded
from mailvault.mail.concern import concerning
from mailvault.operations.ended import Event, RunBegan, RunEnded, sync_detail
from mailvault.operations.reports import AccountReport, Progress
from mailvault.operations.slots import Line
from mailvault.schedule.due import Job, JobKind

log = logging.getLogger(__name__)

BUG = 1


@dataclass(frozen=True, slots=True)
class Work:
    """One configuration's work. Another writer is waited for ``wait`` seconds."""

    configuration: Configuration
    publish: Callable[[Event], None]
    progress: Progress
    wait: float = 0.0

    def sync(self, jobs: Sequence[Job], line: Line) -> list[RunEnded]:
        """Sync the accounts of these jobs in one run of the archive."""
        began_at = self._begin(jobs)
        accounts = [self._account(job) for job in jobs]
        at_once = self.configuration.schedule.at_once
        try:
            with self._open() as archive:
                report = wiring.sync_together(
                    archive, accounts, line, at_once=at_once, progress=self.progress
                )
        except Exception as error:  # noqa: BLE001 - the daemon outlives its bugs
            return [self._failed(job, began_at, error) for job in jobs]
        by_name = {each.name: each for each in report.accounts}
        return [self._ended(_synced(job, began_at, by_name[job.account or ""])) for job in jobs]

    def do(self, job: Job) -> RunEnded:
        """Do a job that is no sync."""
        began_at = self._begin([job])
        try:
            ended = _PERFORMERS[job.kind](self, job)
        except Exception as error:  # noqa: BLE001 - as above
            return self._failed(job, began_at, error)
        return self._ended(replace(ended, began_at=began_at, at=self.now()))

    def note(self, ended: RunEnded) -> bool:
        """Make sure that the archive knows of a job; False while another one writes to it."""
        try:
            with wiring.open_archive(self.configuration, writing=False) as archive:
                if any(
                    each.kind == ended.job.kind and each.started_at >= ended.began_at
                    for each in archive.catalog.last_jobs()
                ):
                    return True
            with self._open() as archive:
                return archive.note_job(
                    JobEnded(
                        kind=str(ended.job.kind),
                        started_at=ended.began_at,
                        at=ended.at,
                        exit_code=ended.exit_code,
                        account=None,
                        checked=ended.checked,
                        octets=ended.octets,
                        detail=ended.detail,
                    )
                )
        except ArchiveLocked:
            return False
        except MailvaultError as error:
            log.warning("%s is not written down in the archive: %s", ended.job.name, error)
            return True

    def now(self) -> datetime:
        return wiring.SystemClock().now()

    def _open(self) -> Archive:
        return wiring.open_archive(self.configuration, writing=True, wait=self.wait)

    def _account(self, job: Job) -> AccountSettings:
        assert job.account is not None
        return self.configuration.accounts[job.account]

    def _begin(self, jobs: Sequence[Job]) -> datetime:
        now = self.now()
        for job in jobs:
            with concerning(job.account):
                log.info("%s: begins", job.name)
            self.publish(RunBegan(job, now))
        return now

    def _failed(self, job: Job, began_at: datetime, error: Exception) -> RunEnded:
        known = error if isinstance(error, MailvaultError) else None
        if known is None:
            log.error("%s: unexpected error; this is a bug", job.name, exc_info=error)
        code, detail = (known.exit_code, str(known)) if known else (BUG, repr(error))
        return self._ended(RunEnded(job, began_at, self.now(), code, detail, error=known))

    def _ended(self, ended: RunEnded) -> RunEnded:
        ended = replace(ended, at=self.now())
        level = logging.INFO if not ended.exit_code or ended.made_room else logging.WARNING
        with concerning(ended.job.account):
            log.log(level, "%s: %s", ended.job.name, ended.detail)
        self.publish(ended)
        return ended


def _synced(job: Job, began_at: datetime, report: AccountReport) -> RunEnded:
    return RunEnded(
        job, began_at, began_at, report.exit_code, sync_detail(report), report, report.error
    )


def _verify(work: Work, job: Job) -> RunEnded:
    from mailvault.operations.verify import VerifyMode, verify

    share = work.configuration.schedule.verify_sample
    with wiring.open_archive(work.configuration, writing=False) as archive:
        report = verify(
            archive,
            mode=VerifyMode.FULL if share == 100 else VerifyMode.SAMPLE,
            percent=float(share),
            progress=work.progress,
        )
    found = f"{len(report.findings)} found damaged" if report.findings else "all sound"
    now = work.now()
    return RunEnded(
        job, now, now, report.exit_code, f"{report.checked} messages read, {found}",
        checked=report.checked, octets=report.octets,
    )  # fmt: skip


def _copy(work: Work, job: Job) -> RunEnded:
    target = work.configuration.schedule.copy_to
    assert target is not None  # the configuration was refused without it
    report = wiring.copy(work.configuration, target, is_verified=False, progress=work.progress)
    detail = f"{report.files} files copied, {report.octets} octets"
    now = work.now()
    return RunEnded(job, now, now, report.exit_code, detail, octets=report.octets)


def _drill(work: Work, job: Job) -> RunEnded:
    from mailvault.operations.drill import PERCENT

    with wiring.open_archive(work.configuration, writing=False) as archive:
        report = wiring.drill(archive, None, PERCENT, account=None, progress=work.progress)
    failed = f"{len(report.failures)} not the same" if report.failures else "all the same"
    now = work.now()
    return RunEnded(
        job, now, now, report.exit_code, f"{report.restored} messages restored, {failed}",
        checked=report.restored, octets=report.octets,
    )  # fmt: skip


_PERFORMERS: dict[JobKind, Callable[[Work, Job], RunEnded]] = {
    JobKind.VERIFY: _verify,
    JobKind.DRILL: _drill,
    JobKind.COPY: _copy,
}
