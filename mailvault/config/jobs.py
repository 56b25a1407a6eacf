"""What a configuration wants done, and when: the jobs behind ``[schedule]``."""

from collections.abc import Iterator

from mailvault.config.model import Configuration
from mailvault.schedule.due import Job, JobKind, Timing
from mailvault.schedule.rhythm import read_rhythm
from mailvault.schedule.window import read_window


def jobs_of(configuration: Configuration) -> tuple[Job, ...]:
    """The jobs in the order in which those due together are done: mail first."""
    return (*_syncs(configuration), *_others(configuration))


def _syncs(configuration: Configuration) -> Iterator[Job]:
    for account in configuration.accounts.values():
        written = account.schedule or configuration.schedule.sync
        if written is not None:
            yield _job(configuration, JobKind.SYNC, account.name, written)


def _others(configuration: Configuration) -> Iterator[Job]:
    schedule = configuration.schedule
    for kind, written in (
        (JobKind.VERIFY, schedule.verify),
        (JobKind.DRILL, schedule.drill),
        (JobKind.COPY, schedule.copy),
    ):
        if written is not None:
            yield _job(configuration, kind, None, written)


def _job(configuration: Configuration, kind: JobKind, account: str | None, written: str) -> Job:
    schedule = configuration.schedule
    window = None if schedule.window is None else read_window(schedule.window)
    timing = Timing(read_rhythm(written), schedule.jitter, window)
    return Job(kind, account, timing, written)
