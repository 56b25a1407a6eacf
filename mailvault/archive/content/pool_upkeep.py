"""Gives back the room of forgotten messages, and sets aside what is in a message's place."""

import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path

from mailvault.archive.content.inspection import ContentFinding
from mailvault.archive.content.pool import Pool
from mailvault.archive.private import explained, make_folder, sync_folder
from mailvault.mail.model import Digest
from mailvault.ports import Waste

LEAST_FILE = 9
"""Magic, header, an empty block, checksum: the octets of the smallest frame (RFC 8878)."""


def waste(pool: Pool, dead: Collection[Digest]) -> Waste:
    """What messages take; all of it can be given back."""
    octets = [_octets(pool, each) for each in dead if pool.path(each).exists()]
    return Waste(len(octets), sum(octets), sum(octets))


def reclaim(pool: Pool, dead: Collection[Digest]) -> int:
    """Remove messages; return the octets that they took."""
    octets = 0
    shards: set[Path] = set()
    with explained(pool.folder):
        for digest in dead:
            path = pool.path(digest)
            octets += _octets(pool, digest)
            for each in (*pool.copies(digest), path):
                each.unlink(missing_ok=True)
                shards.add(path.parent)
            with suppress(OSError):
                pool.dates_folder(digest).rmdir()
        for shard in shards:
            if shard.is_dir():
                sync_folder(shard)
    return octets


def inspect(pool: Pool) -> Iterator[ContentFinding]:
    """Find what cannot be a message, without reading any."""
    for path in pool.entries():
        digest = pool.digest_of(path)
        if path.is_symlink():
            yield ContentFinding("object-damaged", digest, f"{path} is a symbolic link")
        elif digest is None:
            yield ContentFinding("foreign", None, f"{path} is no file of the archive")
        elif (reason := fault(path)) is not None:
            yield ContentFinding("object-damaged", digest, f"{path} {reason}")


def fault(path: Path) -> str | None:
    """Why a file cannot be a message; None if it may be one."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None  # replaced just now
    if not stat.S_ISREG(status.st_mode):
        return "is not a file"
    return "is cut short" if status.st_size < LEAST_FILE else None


def salvage(pool: Pool, set_aside: Path) -> Iterator[str]:
    """Move away what cannot be a message."""
    for path in list(pool.entries()):
        if path.is_symlink() or pool.digest_of(path) is None or fault(path):
            make_folder(set_aside)
            path.rename(set_aside / "-".join(path.relative_to(pool.folder).parts))
            sync_folder(path.parent)
            yield f"{path} was set aside"


def orphans(pool: Pool, is_kept: Callable[[Digest], bool]) -> Iterator[Digest]:
    return (each for each in pool.digests() if not is_kept(each))


def _octets(pool: Pool, digest: Digest) -> int:
    paths = (pool.path(digest), *pool.copies(digest))
    return sum(each.lstat().st_size for each in paths if each.exists())
