"""`archive.toml`: what kind of archive a folder holds, readable before anything else is."""

import tomllib
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mailvault.archive.private import explained, write_file
from mailvault.archive.unfinished import read_mark
from mailvault.errors import ArchiveDamaged, ArchiveMissing, ArchiveTooNew

FORMAT = 1
IDENTITY = "archive.toml"
STORES = ("sqlite", "maildir")

_TEMPLATE = """\
# A mail archive made by mailvault. Do not change this file.
format = {format}
id = "{id}"
store = "{store}"
created = "{created}"
"""


@dataclass(frozen=True, slots=True)
class Identity:
    id: str
    store: str
    created: datetime | None = None


def write_identity(path: Path, identity: Identity) -> None:
    created = identity.created.isoformat(timespec="seconds") if identity.created else ""
    text = _TEMPLATE.format(
        format=FORMAT, id=identity.id, store=identity.store, created=created
    )
    with explained(path):
        write_file(path / IDENTITY, text.encode())


def read_identity(path: Path) -> Identity:
    """Read what the archive says of itself, and refuse what this release cannot handle."""
    document = _read(path)
    number = document.get("format")
    if not isinstance(number, int) or isinstance(number, bool):
        raise ArchiveDamaged(f"{path / IDENTITY}: no format number", hint=_RESTORE)
    if number > FORMAT:
        raise ArchiveTooNew(
            f"{path} has archive format {number}, this release knows up to {FORMAT}",
            hint="install a newer mailvault; nothing was changed",
        )
    return _checked(path, document)


_RESTORE = "put the file back from a copy, or run: mailvault repair"


def _read(path: Path) -> dict[str, Any]:  # Any: what TOML may hold
    try:
        with explained(path):
            content = (path / IDENTITY).read_bytes()
            return tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ArchiveDamaged(f"{path / IDENTITY}: {error}", hint=_RESTORE) from error


def _checked(path: Path, document: dict[str, Any]) -> Identity:
    try:
        identifier = str(uuid.UUID(document["id"]))
        store = document["store"]
        created = document.get("created")
        when = datetime.fromisoformat(created) if created else None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArchiveDamaged(f"{path / IDENTITY}: {error!r}", hint=_RESTORE) from error
    if store not in STORES:
        raise ArchiveTooNew(
            f"{path} has a content store of kind {store!r}, which this release does not know",
            hint="install a newer mailvault; nothing was changed",
        )
    return Identity(identifier, store, when)


def has_identity(path: Path) -> bool:
    return (path / IDENTITY).is_file()


_ELSEWHERE = "mount its disk, or correct archive.path; a new one is made by: mailvault init"
"""Whoever has an archive, on a disk that is not there now, must not be led to make another."""


def require_identity(path: Path) -> Identity:
    """Read the identity, or say what the folder is instead of an archive."""
    if has_identity(path):
        return read_identity(path)
    if not path.exists():
        raise ArchiveMissing(f"{path} does not exist", hint=_ELSEWHERE)
    mark = read_mark(path)
    if mark is not None:
        raise ArchiveMissing(
            f"{path} is not an archive yet: a {mark.command} to it was not finished",
            hint=f"run the same mailvault {mark.command} again",
        )
    if any((path / "journal").glob("*.zst")):
        raise ArchiveDamaged(
            f"{path} is only part of an archive: {IDENTITY} is missing",
            hint="copy it again, or make it anew from the journal with: mailvault rebuild",
        )
    raise ArchiveMissing(f"{path} holds no archive", hint=_ELSEWHERE)
