"""Log lines and error messages on standard error, for people or for programs."""

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import TextIO

from mailvault.cli.terminal import printable, printable_lines
from mailvault.mail.concern import concerned_account

LEVELS = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}


def configure(*, verbosity: int, log_format: str) -> None:
    """Send what the program logs to standard error, and nothing anywhere else."""
    handler = _ErrorStream()
    handler.setFormatter(JsonLines() if log_format == "json" else _text_lines())
    root = logging.getLogger("mailvault")
    root.handlers[:] = [handler]
    root.setLevel(LEVELS.get(verbosity, logging.DEBUG))
    root.propagate = False


def explain(what: str, hint: str | None, *, exit_code: int, log_format: str) -> None:
    """Say on standard error why the command did not end well."""
    said = explanation(what, hint, exit_code=exit_code, log_format=log_format)
    print(said, file=sys.stderr)


def explanation(what: str, hint: str | None, *, exit_code: int, log_format: str) -> str:
    """What `explain` says, without the end of its last line."""
    if log_format == "json":
        fields = {"message": what, "hint": hint, "exit_code": exit_code}
        return _json_line("error", "mailvault", fields)
    grade = f"<{_GRADES['ERROR']}>" if _is_journal() else ""
    said = f"{grade}mailvault: {printable_lines(what)}"
    return said + (f"\n{grade}  {printable_lines(hint)}" if hint else "")


class _ErrorStream(logging.StreamHandler[TextIO]):
    """Writes to the standard error of the moment: a progress bar wraps it for a while."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # the base keeps it as an attribute
        return sys.stderr


class TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = f"{record.levelname.lower()}: {printable(record.getMessage())}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class JournalLines(TextLines):
    """Says how grave a line is in the way that systemd's journal reads (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        grade = f"<{_GRADES.get(record.levelname, 6)}>"
        return "\n".join(grade + line for line in super().format(record).splitlines())


_GRADES = {"ERROR": 3, "WARNING": 4, "INFO": 6, "DEBUG": 7}


def _text_lines() -> logging.Formatter:
    return JournalLines() if _is_journal() else TextLines()


def _is_journal() -> bool:
    """Whether standard error goes to systemd's journal (systemd.exec(5))."""
    stream = os.environ.get("JOURNAL_STREAM")
    if stream is None:
        return False
    try:
        state = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return stream == f"{state.st_dev}:{state.st_ino}"


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, str | int | None] = {"message": record.getMessage()}
        account = concerned_account()
        if account is not None:
            fields["account"] = account
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        at = datetime.fromtimestamp(record.created, UTC)
        return _json_line(record.levelname.lower(), record.name, fields, at)


def _json_line(
    level: str, logger: str, fields: dict[str, str | int | None], at: datetime | None = None
) -> str:
    at = at or datetime.now(UTC)
    time = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"time": time, "level": level, "logger": logger, **fields})
