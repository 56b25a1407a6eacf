"""Folders that are to become archives: which can, and what is said of those that cannot."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailvault.archive.private import explain, make_folder
from mailvault.errors import DestinationError

_IMPOSSIBLE = {
    errno.EACCES,
    errno.EEXIST,
    errno.EINVAL,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENODEV,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}
_HINT = "choose a folder that can be written to"


@contextmanager
def becoming_archive(path: Path) -> Iterator[None]:
    """Turn an OSError into a refusal of the folder, where it says that it is no place for it.

    Raises:
        DestinationError: another folder has to be chosen.
        ArchiveError: the disk fails; NoSpace if it is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _IMPOSSIBLE:
            raise explain(path, error) from error
        reason = (error.strerror or str(error)).lower()
        raise DestinationError(
            f"{path} cannot be made an archive: {_obstacle(path) or reason}", hint=_HINT
        ) from error


def claim_folder(path: Path) -> None:
    """Make the folder, or see that it can be written to. Raises DestinationError, OSError."""
    if os.path.lexists(path) and not path.is_dir():
        raise DestinationError(f"{path} is not a folder", hint="choose a folder")
    make_folder(path)
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise DestinationError(f"{path} cannot be written to", hint=_HINT)


def _obstacle(path: Path) -> str | None:
    """What stands where a folder above is needed."""
    above = next((each for each in path.parents if os.path.lexists(each)), None)
    return None if above is None or above.is_dir() else f"{above} is not a folder"
