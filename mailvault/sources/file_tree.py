"""A folder to import from, or what an archive file holds: names, and files to open.

Names are data: they are read, compared and shown, and never become a path to write. Links
are not followed, and nothing but regular files is ever opened.
"""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from mailvault.sources.opened_file import DiskFile, OpenedFile, reading

TreePath: TypeAlias = tuple[str, ...]
"""The components of a path below the root."""


@dataclass(slots=True)
class Listing:
    """What a folder holds."""

    folders: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    odd: dict[str, str] = field(default_factory=dict)
    """What is neither folder nor file but leads to one, and why it is left alone."""

    def sort(self) -> "Listing":
        self.folders.sort()
        self.files.sort()
        return self


class Tree(Protocol):
    """A context manager."""

    name: str
    """What the root is called; empty where that names no mailbox."""
    is_archive: bool
    """Whether it is one file that holds folders, as a zip does."""
    is_single: bool
    """Whether it is a file that holds mail itself."""
    is_streamed: bool
    """Whether reading out of order starts from the beginning each time."""

    def list(self, path: TreePath) -> Listing:
        """Raises SourceError for a folder that cannot be read."""
        ...

    def open(self, path: TreePath) -> OpenedFile:
        """Raises SourceError for a file that cannot be read, or is none."""
        ...

    def where(self, path: TreePath) -> str:
        """The path for a person."""
        ...

    def damage(self) -> str | None:
        """Why there may be more in the tree than can be seen; None if there is not."""
        ...

    def close(self) -> None: ...


class FolderTree:
    """A folder on disk."""

    is_archive = is_single = is_streamed = False

    def __init__(self, root: Path) -> None:
        self._root = root
        self.name = root.resolve().name

    def list(self, path: TreePath) -> Listing:
        folder = self._root.joinpath(*path)
        listing = Listing()
        with reading(folder), os.scandir(folder) as entries:
            for entry in entries:
                _sort_in(entry, listing)
        return listing.sort()

    def open(self, path: TreePath) -> OpenedFile:
        return DiskFile(self._root.joinpath(*path))

    def where(self, path: TreePath) -> str:
        return str(self._root.joinpath(*path))

    def damage(self) -> None:
        return

    def close(self) -> None:
        pass


def _sort_in(entry: "os.DirEntry[str]", listing: Listing) -> None:
    if entry.is_symlink():
        if _leads_somewhere(entry):
            listing.odd[entry.name] = "a symbolic link; import what it points to by itself"
    elif entry.is_dir(follow_symlinks=False):
        listing.folders.append(entry.name)
    elif entry.is_file(follow_symlinks=False):
        listing.files.append(entry.name)


def _leads_somewhere(link: "os.DirEntry[str]") -> bool:
    """Whether there is a file or folder behind a link; Thunderbird's lock leads nowhere."""
    try:
        mode = link.stat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


class SingleFile:
    """One file, as a tree. The user named it, so it may be a link."""

    is_archive = is_streamed = False
    is_single = True
    name = ""

    def __init__(self, path: Path) -> None:
        self._path = path

    def list(self, path: TreePath) -> Listing:
        return Listing() if path else Listing(files=[self._path.name])

    def open(self, path: TreePath) -> OpenedFile:  # noqa: ARG002 - there is only one
        return DiskFile(self._path, follow=True)

    def where(self, path: TreePath) -> str:  # noqa: ARG002 - there is only one
        return str(self._path)

    def damage(self) -> None:
        return

    def close(self) -> None:
        pass


class Directory:
    """The folders of an archive file, gathered from the names of its members."""

    def __init__(self) -> None:
        self._folders: dict[TreePath, dict[str, None]] = {(): {}}
        self._files: dict[TreePath, list[str]] = {}
        self._odd: dict[TreePath, dict[str, str]] = {}

    def add_folder(self, path: TreePath) -> None:
        for depth in range(len(path), 0, -1):
            inner, parent = path[depth - 1], path[: depth - 1]
            if inner in self._folders.setdefault(parent, {}):
                break
            self._folders[parent][inner] = None
        self._folders.setdefault(path, {})

    def add_file(self, path: TreePath) -> None:
        self.add_folder(path[:-1])
        self._files.setdefault(path[:-1], []).append(path[-1])

    def add_odd(self, path: TreePath, reason: str) -> None:
        self.add_folder(path[:-1])
        self._odd.setdefault(path[:-1], {})[path[-1]] = reason

    def list(self, path: TreePath) -> Listing:
        """What a folder holds, in the order in which it stands in the archive file."""
        return Listing(
            list(self._folders.get(path, ())),
            list(dict.fromkeys(self._files.get(path, ()))),
            dict(self._odd.get(path, {})),
        )


def member_path(name: str) -> TreePath:
    """The components of a member's name; absolute ones and ``..`` are names like others."""
    return tuple(part for part in name.replace("\\", "/").split("/") if part not in {"", "."})
