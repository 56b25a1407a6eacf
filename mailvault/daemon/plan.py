"""When each job of a configuration is to start, from what the archive and we remember."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from mailvault import wiring
from mailvault.config.jobs import jobs_of
from mailvault.config.model import Configuration
from mailvault.operations.ended import RunEnded
from mailvault.operations.timetable import SETTLED, facts_of
from mailvault.schedule.due import Almanac, Facts, Job, Last


class Plan:
    """The jobs of one configuration. What failed to reach the archive is remembered here."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.jobs = {job.name: job for job in jobs_of(configuration)}
        self._ended: dict[str, Last] = {}
        self._zone = wiring.local_zone()

    def remember(self, ended: RunEnded) -> None:
        is_ok = ended.exit_code in SETTLED and ended.error is None
        self._ended[ended.job.name] = Last(ended.began_at, ended.at, is_ok)

    def inherit(self, other: "Plan") -> None:
        """Remember what the plan before this one did."""
        self._ended = dict(other._ended)

    def starts(self, jobs: Iterable[Job], now: datetime) -> Mapping[Job, datetime]:
        """When each job is to start; ``now`` if it is due. Raises ArchiveError."""
        jobs = tuple(jobs)
        with wiring.open_archive(self.configuration, writing=False) as archive:
            almanac = Almanac(self._zone, archive.id)
            facts = facts_of(archive, jobs, now)
        return {
            job: almanac.next_start(job, self._latest(job, facts[job]), now) for job in jobs
        }

    def _latest(self, job: Job, facts: Facts) -> Facts:
        ended = self._ended.get(job.name)
        if ended is None or (facts.last and facts.last.started_at >= ended.started_at):
            return facts
        return replace(facts, last=ended)
