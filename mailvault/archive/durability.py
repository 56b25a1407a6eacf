"""Makes many files durable at once."""

import ctypes
import errno
import os
import platform
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from mailvault.archive.private import sync_folder

FEW = 8
"""Up to so many files are synced one by one, which leaves the rest of the disk alone."""

_REPORTS_ERRORS = (5, 8)
"""The Linux release from which syncfs(2) tells of data that could not be written."""


def make_files_durable(files: Sequence[Path], folders: Iterable[Path]) -> None:
    """Make files and the names in folders durable; all of them lie on one file system.

    Raises:
        OSError: some of it may not be durable.
    """
    if len(files) > FEW and can_sync_file_system():
        sync_file_system(files[0].parent)
        return
    for path in files:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    for folder in folders:
        sync_folder(folder)


@lru_cache(maxsize=1)
def can_sync_file_system() -> bool:
    release = re.match(r"(\d+)\.(\d+)", platform.release())
    is_new = release is not None and (int(release[1]), int(release[2])) >= _REPORTS_ERRORS
    return platform.system() == "Linux" and is_new and hasattr(ctypes.CDLL(None), "syncfs")


def sync_file_system(folder: Path) -> None:
    """Make everything on the file system of a folder durable: syncfs(2)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
            number = ctypes.get_errno() or errno.EIO
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(descriptor)


def make_tree_durable(folder: Path) -> None:
    """Make everything below a folder durable, and perhaps more."""
    if can_sync_file_system():
        sync_file_system(folder)
    else:
        os.sync()
