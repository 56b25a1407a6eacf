"""Outlook's PST and OST files, through ``readpst`` of libpst (Debian: pst-utils).

It writes one mbox for each folder into a temporary folder, which is then imported like any
other. Nothing else of Outlook's is read: no contacts, no calendars.
"""

import logging
import shutil
import subprocess
import tempfile
from pathlib import Path

from mailvault.errors import UsageError
from mailvault.sources.file_tree import FolderTree, Listing, TreePath
from mailvault.sources.opened_file import OpenedFile

log = logging.getLogger(__name__)

_PROGRAM = "readpst"
_SAID = 500


class OutlookTree:
    """A context for the temporary folder; closing it removes that."""

    is_archive = True
    is_single = is_streamed = False
    name = ""

    def __init__(self, path: Path, spool_folder: Path) -> None:
        self._path = path
        self._folder = tempfile.TemporaryDirectory(prefix="outlook-", dir=spool_folder)
        self._damage: str | None = None
        try:
            self._convert()
        except BaseException:
            self._folder.cleanup()
            raise
        self._tree = FolderTree(Path(self._folder.name))

    def _convert(self) -> None:
        program = shutil.which(_PROGRAM)
        if program is None:
            raise UsageError(
                f"{self._path} is a file of Outlook, and {_PROGRAM} is not installed",
                hint="install it: sudo apt-get install pst-utils",
            )
        # -r: a folder for each folder; -te: only mail; -D: what was deleted too, as in others.
        command = [program, "-q", "-r", "-te", "-D", "-o", self._folder.name]
        done = subprocess.run(
            [*command, str(self._path.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        said = done.stdout[-_SAID:].decode("utf-8", "replace").strip()
        if done.returncode != 0:
            self._damage = f"{_PROGRAM} ended with {done.returncode}: {said or 'no reason'}"
            log.warning("%s: %s", self._path, self._damage)

    def list(self, path: TreePath) -> Listing:
        return self._tree.list(path)

    def open(self, path: TreePath) -> OpenedFile:
        return self._tree.open(path)

    def where(self, path: TreePath) -> str:
        return "/".join((str(self._path), *path))

    def damage(self) -> str | None:
        return self._damage

    def close(self) -> None:
        self._folder.cleanup()
