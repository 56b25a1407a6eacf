"""The files of the store `maildir`: every message once, under its digest.

``content/ab/abcd...`` is the message. Its time is the INTERNALDATE of its first placement,
for a hard link to it in a Maildir shows that date. For each further date there is a copy of
its own, ``content/ab/abcd....dates/SECONDS``, that placements with this date are links to.
"""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from mailvault.archive.content.spool import CHUNK
from mailvault.archive.private import explained, make_folder, open_private
from mailvault.mail.model import Digest

DATES = ".dates"
_DIGITS = frozenset("0123456789abcdef")
_LENGTH = 64


class Pool:
    """Names files. Making one touches nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: Digest) -> Path:
        name = str(digest)
        return self.folder / name[:2] / name

    def dates_folder(self, digest: Digest) -> Path:
        path = self.path(digest)
        return path.with_name(path.name + DATES)

    def copies(self, digest: Digest) -> list[Path]:
        """The copies of a message for dates other than its first."""
        folder = self.dates_folder(digest)
        try:
            return sorted(folder / name for name in os.listdir(folder))  # noqa: PTH208 - it is missing nearly always, and iterdir() costs thrice as much
        except (FileNotFoundError, NotADirectoryError):
            return []

    def existing(self, digest: Digest, seconds: int | None) -> os.stat_result | None:
        """What the system says of the file with this date, if there is one."""
        status = _status(self.path(digest))
        if status is not None and (seconds is None or _seconds(status) == seconds):
            return status
        return _status(self.dates_folder(digest) / str(seconds))

    def dated(self, digest: Digest, seconds: int | None, tmp: Path) -> Path:
        """The file of a message with this date, made if need be. Any file will do for None.

        Raises:
            FileNotFoundError: there is no such message.
        """
        path = self.path(digest)
        if seconds is None or _seconds(path.lstat()) == seconds:
            return path
        copy = self.dates_folder(digest) / str(seconds)
        if _status(copy) is None:
            make_folder(copy.parent)
            draft = tmp / f"{digest}.{seconds}"
            with path.open("rb") as octets:
                write_draft(draft, iter(partial(octets.read, CHUNK), b""), seconds)
            draft.replace(copy)
        return copy

    def digests(self) -> Iterator[Digest]:
        with explained(self.folder):
            for shard in sorted(_names(self.folder)):
                for name in sorted(_names(self.folder / shard)):
                    digest = self.digest_of(self.folder / shard / name)
                    if digest is not None:
                        yield digest

    def digest_of(self, path: Path) -> Digest | None:
        """The message whose file or copy this is; None for what is none of ours."""
        owner = path.parent if path.parent.name.endswith(DATES) else path
        name = owner.name.removesuffix(DATES)
        if len(name) != _LENGTH or not _DIGITS.issuperset(name):
            return None
        digest = Digest.parse(name)
        is_copy = owner != path and path.name.lstrip("-").isdecimal()
        return digest if self.path(digest) == path or is_copy else None

    def entries(self) -> Iterator[Path]:
        """Everything in the folder but folders of ours. Symbolic links are not followed."""
        for path, folders, names in os.walk(self.folder):
            yield from (Path(path, name) for name in names)
            for name in folders:
                entry = Path(path, name)
                if entry.is_symlink() or self.digest_of(entry) is not None:
                    yield entry


def write_draft(path: Path, octets: Iterable[bytes], seconds: int | None) -> None:
    """Write a file of the given time, for the owner alone. Not durable yet."""
    descriptor = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(octets)
        file.flush()
        if seconds is not None:
            set_time(file.fileno(), seconds)


def set_time(file: int, seconds: int) -> None:
    """Give an open file a time; one that no file system can hold is left out."""
    with suppress(OverflowError):
        try:
            os.utime(file, ns=(seconds * 10**9, seconds * 10**9))
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOVERFLOW):
                raise


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _status(path: Path) -> os.stat_result | None:
    """What the system says of a regular file; None for anything else."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def _seconds(status: os.stat_result) -> int:
    return status.st_mtime_ns // 10**9
