"""The command ``demo``."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mailvault.cli.options import JsonOption
from mailvault.cli.output import emit, emit_json
from mailvault.errors import UsageError


def demo(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER]", help="Keep the archive here; a temporary one if none."
        ),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the temporary folder.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the whole job on a sample mailbox; needs no account."""
    from mailvault.cli.demo_tour import Tour

    def say(line: str = "") -> None:
        if not as_json:
            emit(line)

    with _place(folder, keep=keep) as place:
        report = Tour(place, is_kept=keep or folder is not None, say=say).run()
    if as_json:
        emit_json({"schema": 1, **asdict(report)})
    raise typer.Exit(report.exit_code)


def _made(folder: Path) -> Path:
    """The folder, new or empty. Raises UsageError."""
    hint = "name a folder that does not exist yet, or none at all"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{folder} cannot be used: {error.strerror}", hint=hint) from error
    if not is_empty:
        raise UsageError(f"{folder} is not an empty folder", hint=hint)
    return folder.resolve()


@contextmanager
def _place(folder: Path | None, *, keep: bool) -> Iterator[Path]:
    """The folder to work in; one of our own making goes again, whatever happens."""
    if folder is not None:
        yield _made(folder)
        return
    temporary = Path(tempfile.mkdtemp(prefix="mailvault-demo-"))
    try:
        yield temporary
    finally:
        if not keep:
            shutil.rmtree(temporary, ignore_errors=True)
