"""The way out: data on standard output, everything else on standard error."""

import contextlib
import errno
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping

import typer

from mailvault.cli.invocation import invocation
from mailvault.errors import NoSpace, UsageError
from mailvault.mail.json_values import JsonValue as JsonValue
from mailvault.mail.json_values import json_time as json_time

# A JSON reader gets these back unchanged; a terminal never sees them raw.
_TO_ESCAPE = re.compile(
    "[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


class OutputClosed(Exception):
    """Nobody reads standard output any more, as under ``| head``."""


def emit(line: str = "") -> None:
    """Write one line of results."""
    try:
        sys.stdout.write(line + "\n")
    except OSError as error:
        raise _given_up(error) from error
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding
        emit(line.encode(encoding, "replace").decode(encoding))


def emit_json(value: Mapping[str, JsonValue]) -> None:
    """Write one JSON object on a line of its own."""
    emit(json_text(value))


def emit_report(
    context: typer.Context, document: Mapping[str, JsonValue] | None, lines: Iterable[str]
) -> None:
    """Write a report: ``document`` if there is one, else ``lines``, unless for -q."""
    if document is not None:
        emit_json(document)
    elif invocation(context).verbosity >= 0:
        for line in lines:
            emit(line)


def emit_octets(chunks: Iterable[bytes]) -> None:
    """Write octets as they are."""
    flush()
    for chunk in chunks:
        try:
            sys.stdout.buffer.write(chunk)
        except OSError as error:
            raise _given_up(error) from error
    flush()


def flush() -> None:
    try:
        sys.stdout.flush()
    except OSError as error:
        raise _given_up(error) from error


def _given_up(error: OSError) -> Exception:
    """Translate what became of standard output; nothing more is written there."""
    with contextlib.suppress(OSError, ValueError):  # a stream of its own has no descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # for the interpreter's last flush
        os.close(nowhere)
    if isinstance(error, BrokenPipeError):
        return OutputClosed()
    what = f"standard output: {error.strerror}"
    return NoSpace(what) if error.errno in (errno.ENOSPC, errno.EDQUOT) else UsageError(what)


def json_text(value: Mapping[str, JsonValue]) -> str:
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    text = json.dumps(value, ensure_ascii=encoding != "utf8")
    return _TO_ESCAPE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
