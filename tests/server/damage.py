"""Damages what an archive of the store `sqlite` keeps of messages, behind its back."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path


def damage_messages(archive: Path, digests: Iterable[str]) -> None:
    """Flip a bit in the first frame of each message."""
    wanted = {bytes.fromhex(digest) for digest in digests}
    for path in sorted((archive / "content").glob("*.db")):
        with closing(sqlite3.connect(path)) as volume, volume:
            rows = volume.execute(
                "SELECT digest, pack, offset, length FROM object WHERE part = 0"
            )
            for digest, pack, offset, length in rows.fetchall():
                if digest in wanted:
                    wanted.remove(digest)
                    _flip(volume, pack, offset + length // 2)
    assert not wanted, "not all of them are stored"


def _flip(volume: sqlite3.Connection, pack: int, at: int) -> None:
    with volume.blobopen("pack", "frames", pack) as frames:
        frames.seek(at)
        octet = frames.read(1)[0]
        frames.seek(at)
        frames.write(bytes([octet ^ 8]))
