"""What an interrupted command says: what became of its work, and how it goes on."""

from collections.abc import Sequence

from mailvault.cli.arguments import command_of
from mailvault.cli.logs import explanation

_GOES_ON = "the same command goes on where it stopped"
_AS_IT_WAS = "the archive is as it was"

_WORK = {
    "sync": "what was archived is safe, and the next sync goes on from there",
    "import": "what was imported is safe, and the same command imports the rest",
    "restore": "what was put back stays; the same command puts back the rest, nothing twice",
    "migrate": f"what was moved stays; {_GOES_ON}",
    "export": f"what was written stays; {_GOES_ON}",
    "copy": f"{_AS_IT_WAS}; {_GOES_ON}",
    "convert": f"{_AS_IT_WAS}; {_GOES_ON}",
    "verify": f"{_AS_IT_WAS}; run it again for a result",
    "drill": f"{_AS_IT_WAS}; run it again for a result",
    "rebuild": "no mail is touched; run it again to have the catalog",
    "repair": "what was healed stays; the same command heals the rest",
    "prune": "what it did not come to is whole; the same command goes on with the rest",
    "run": "what was done is safe, and the next run does the rest",
}
"""Where there is no word, the command only reads, or asks before it writes one thing."""

SPOKEN_OF = frozenset(_WORK)

_DRY = "nothing was changed"


def interrupted(arguments: Sequence[str], *, exit_code: int, log_format: str) -> str:
    """What to say of a command line that a signal ended: one line."""
    work = _of_work(arguments)
    if log_format == "json":
        return explanation("interrupted", work, exit_code=exit_code, log_format=log_format)
    what = f"interrupted: {work}" if work else "interrupted"
    return explanation(what, None, exit_code=exit_code, log_format=log_format)


def _of_work(arguments: Sequence[str]) -> str | None:
    work = _WORK.get(command_of(arguments) or "")
    return _DRY if work and "--dry-run" in arguments else work
