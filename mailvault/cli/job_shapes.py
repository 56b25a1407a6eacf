"""How what verified, drilled, copied or pruned the archive is shown."""

from collections.abc import Iterator

from mailvault.archive.catalog.views import JobView
from mailvault.cli.exit_codes import EXIT_CODES
from mailvault.cli.render import count_text, duration_text, time_text
from mailvault.monitoring.overview import Overview
from mailvault.monitoring.states import is_job_well

EXPECTED = ("verify", "drill", "copy")
LABEL = 9


def job_lines(overview: Overview) -> Iterator[tuple[str, bool]]:
    """How each kind of job ended last, how far verifying has come; and whether it is well."""
    by_kind = {kind: [job for job in overview.jobs if job.kind == kind] for kind in EXPECTED}
    for kind, jobs in by_kind.items():
        for job in jobs:
            yield _job_line(overview, job), is_job_well(job)
        if not jobs:
            yield f"{kind:<{LABEL}}never", True
        if kind == "verify":
            yield from _coverage_lines(overview)
    for job in overview.jobs:
        if job.kind not in EXPECTED:
            yield _job_line(overview, job), is_job_well(job)


def _job_line(overview: Overview, job: JobView) -> str:
    whom = f" {job.account}" if job.account else ""
    detail = f" ({job.detail})" if job.detail else ""
    age = duration_text(max(0, round((overview.now - job.finished_at).total_seconds())))
    ended = EXIT_CODES.get(job.exit_code, f"exit code {job.exit_code}")
    mark = "" if is_job_well(job) else "! "
    return f"{job.kind:<{LABEL}}{age} ago{whom}{detail}: {mark}{ended}"


def _coverage_lines(overview: Overview) -> Iterator[tuple[str, bool]]:
    coverage, space = overview.coverage, " " * LABEL
    if coverage.never:
        yield f"{space}{count_text(coverage.never, 'message')} never verified", True
    elif coverage.oldest is not None:
        yield f"{space}every message verified since {time_text(coverage.oldest)}", True
