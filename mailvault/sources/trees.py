"""Which tree a path is: a folder, a file of mail, or an archive file that holds folders."""

import stat
from pathlib import Path

from mailvault.errors import SourceError, UsageError
from mailvault.sources.archive_trees import ZIP_MAGIC, TarTree, ZipTree, is_tar
from mailvault.sources.broken_zip import BrokenZipTree
from mailvault.sources.file_kinds import PST_MAGIC
from mailvault.sources.file_tree import FolderTree, SingleFile, Tree
from mailvault.sources.opened_file import DiskFile
from mailvault.sources.outlook import OutlookTree
from mailvault.sources.unpacking import unpacked

_TAR_HEADER = 512


def open_tree(path: Path, spool_folder: Path) -> Tree:
    """Open what the user named.

    Raises:
        UsageError: there is nothing there, or nothing that could hold mail.
        SourceError: it cannot be read.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise UsageError(f"{path} cannot be imported: {error.strerror}") from error
    if stat.S_ISDIR(mode):
        return FolderTree(path)
    if not stat.S_ISREG(mode):
        raise UsageError(f"{path} is neither a folder nor a file")
    if path.suffix.lower() == ".olm":
        raise UsageError(
            f"{path} is an archive of Outlook for Mac, which no free program reads",
            hint="add its account to another mail program and import what that one keeps, or"
            " drag its folders out of Outlook: that makes .mbox files",
        )
    try:
        start = _start(path)
    except SourceError as error:
        raise UsageError(str(error)) from error
    return _tree_of_file(path, start, spool_folder)


def _start(path: Path) -> bytes:
    with unpacked(DiskFile(path, follow=True), path) as file:
        start = b""
        while len(start) < _TAR_HEADER and (piece := file.read(_TAR_HEADER)):
            start += piece
    return start


def _tree_of_file(path: Path, start: bytes, spool_folder: Path) -> Tree:
    if start.startswith(PST_MAGIC):
        return OutlookTree(path, spool_folder)
    if start.startswith(ZIP_MAGIC):
        return _zip_tree(path)
    return TarTree(path) if is_tar(start) else SingleFile(path)


def _zip_tree(path: Path) -> Tree:
    try:
        return ZipTree(path)
    except SourceError as error:
        return BrokenZipTree(path, f"{error}; what stands before the damage is taken")
