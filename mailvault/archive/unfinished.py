"""The mark of a folder that is to become an archive, but is not yet.

A copy or a conversion writes it first and removes it last. As long as it is there, and
``archive.toml`` is not, the folder opens as nothing, and the same command may go on in it.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from mailvault.archive.private import sync_folder, write_file
from mailvault.errors import DestinationError
from mailvault.real_paths import within

MARK = "unfinished.json"
COPY = "copy.json"
_LARGEST = 1 << 16
_OWN = {MARK, f"{MARK}.new", COPY, f"{COPY}.new", "lock", "tmp", "archive.toml.new"}


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What a folder is to become."""

    command: str
    archive_id: str
    store: str


def read_mark(path: Path) -> Unfinished | None:
    """What the mark says; None where there is none that can be read."""
    try:
        with (path / MARK).open("rb") as file:
            found = json.loads(file.read(_LARGEST))
        return Unfinished(str(found["command"]), str(found["archive_id"]), str(found["store"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def begin(path: Path, what: Unfinished) -> None:
    """Mark a folder; one with anything else in it is refused.

    Raises:
        DestinationError
    """
    found = read_mark(path)
    if found is None and set(os.listdir(path)) - _OWN:  # noqa: PTH208 - only the names count
        raise DestinationError(
            f"{path} is not empty", hint="choose a folder of its own, or one that is not there"
        )
    if found is None:
        write_file(path / MARK, json.dumps(asdict(what)).encode() + b"\n")
    elif found != what:
        raise DestinationError(
            f"{path} is an unfinished {found.command} of another archive or to another store",
            hint="finish that one, remove the folder, or choose another",
        )


def mark_as_copy(path: Path) -> None:
    """Say that the archive's history is written elsewhere: no notes are added here."""
    if not is_copy(path):
        write_file(path / COPY, b"{}\n")


def is_copy(path: Path) -> bool:
    return (path / COPY).is_file()


def end(path: Path) -> None:
    (path / MARK).unlink(missing_ok=True)
    sync_folder(path)


def refuse_within(path: Path, archive: Path) -> None:
    """Refuse a folder that is the archive, lies in it, or holds it. Raises DestinationError."""
    if within(path, archive):
        raise DestinationError(f"{path} lies in the archive", hint="choose a folder elsewhere")
    if within(archive, path):
        raise DestinationError(
            f"the archive lies in {path}", hint="choose a folder of its own for the other one"
        )
