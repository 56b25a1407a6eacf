"""The shapes of what verified, copied or pruned the archive, for programs and for people."""

from collections.abc import Iterator, Sequence

from mailvault.archive.catalog.views import JobView
from mailvault.archive.proofs import Coverage
from mailvault.cli.exit_codes import EXIT_CODES
from mailvault.cli.output import JsonValue, json_time
from mailvault.cli.render import count_text, time_text
from mailvault.cli.terminal import printable


def job_json(job: JobView) -> dict[str, JsonValue]:
    return {
        "kind": job.kind,
        "account": job.account,
        "started": json_time(job.started_at),
        "finished": json_time(job.finished_at),
        "exit_code": job.exit_code,
        "checked": job.checked,
        "octets": job.octets,
        "detail": job.detail,
    }


def job_lines(coverage: Coverage, jobs: Sequence[JobView]) -> Iterator[str]:
    """How far verifying has come, and how each kind of job ended last."""
    if coverage.never:
        yield f"          {count_text(coverage.never, 'message')} never verified"
    elif coverage.oldest is not None:
        yield f"          every message verified since {time_text(coverage.oldest)}"
    for job in jobs:
        ended = EXIT_CODES.get(job.exit_code, f"exit code {job.exit_code}")
        whom = f" {job.account}" if job.account else ""
        detail = f" ({job.detail})" if job.detail else ""
        yield printable(
            f"          {job.kind}{whom}{detail}  {time_text(job.started_at)}  {ended}"
        )
