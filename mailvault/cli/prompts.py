"""Questions to the person at the terminal. They go to standard error, like all but results."""

import sys

from mailvault.cli.terminal import is_interactive
from mailvault.errors import UsageError


def can_ask() -> bool:
    return is_interactive(sys.stdin) and is_interactive(sys.stderr)


def ask(question: str, option: str, *, default: str | None = None) -> str:
    """Ask one question; an empty answer is the default.

    Raises:
        UsageError: nobody is there to answer; names the option that answers instead.
    """
    if not can_ask():
        if default is not None:
            return default
        raise UsageError(f"{option} is missing", hint=f"{question}: say it with {option}")
    shown = f" [{default}]" if default else ""
    while True:
        print(f"{question}{shown}: ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            raise UsageError("there was no answer", hint=f"say it with {option}")
        answer = line.strip() or default
        if answer is not None:
            return answer


def agreed(question: str, *, yes: bool) -> bool:
    """Ask for a yes, unless it was given with ``--yes``.

    Raises:
        UsageError: nobody is there to answer.
    """
    if yes:
        return True
    answer = ask(f"{question}? yes or no", "--yes").lower()
    return answer in ("y", "yes")
