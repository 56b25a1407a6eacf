"""An independent reader of archives: docs/archive-format.md in code, and nothing else.

Needs the standard library and zstandard, and shares no code with the product. Where it and
the product agree, the page describes what is on the disk.
"""

import base64
import hashlib
import json
import sqlite3
import struct
import tomllib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zstandard

from tests.oracle import Seen

_HOLE = struct.Struct("<QQIB32s")


@dataclass(slots=True)
class _Mailbox:
    """What the journal says a mailbox holds."""

    account: str
    name: str
    messages: dict[tuple[int, int], list[Any]] = field(default_factory=dict)


def read(archive: Path, *, until_run: int | None = None) -> dict[tuple[str, int], Seen]:
    """Replay the journal and prove every message that is present in the end."""
    identity = tomllib.loads((archive / "archive.toml").read_text())
    stores: dict[str, type[_Content | _Files]] = {"sqlite": _Content, "maildir": _Files}
    content = stores[identity["store"]](archive / "content")
    proven: dict[str, int] = {}
    present: dict[tuple[str, int], Seen] = {}
    for mailbox in _replayed(archive, until_run).values():
        for (_, uid), (digest, size, flags, seconds) in mailbox.messages.items():
            if digest not in proven:
                octets = content.octets(bytes.fromhex(digest))
                assert hashlib.sha256(octets).hexdigest() == digest
                proven[digest] = len(octets)
            assert proven[digest] == size
            date = datetime.fromtimestamp(seconds, UTC)
            present[mailbox.name, uid] = Seen(digest, size, frozenset(flags), date)
    return present


def _replayed(archive: Path, until_run: int | None) -> dict[int, _Mailbox]:
    accounts: dict[int, str] = {}
    mailboxes: dict[int, _Mailbox] = {}
    for kind, *fields in _records(archive):
        match kind, fields:
            case "run", [run, *_] if until_run is not None and run > until_run:
                break
            case "account", [number, name, *_]:
                accounts[number] = name
            case "mailbox", [number, account, parts, *_]:
                described = mailboxes.setdefault(number, _Mailbox(accounts[account], ""))
                described.name = "/".join(parts)
            case "mailbox-gone", [number]:
                mailboxes[number].messages.clear()
            case "changed", [number, *change]:
                _apply(mailboxes[number], change)
    return mailboxes


def _apply(mailbox: _Mailbox, change: list[Any]) -> None:
    uidvalidity, _, is_complete, flag_sets, placed, reflagged, expunged, _ = change
    messages = mailbox.messages
    for uid, digest, size, flags, seconds, *_ in placed:
        messages[uidvalidity, uid] = [digest, size, flag_sets[flags], seconds]
    for uid, flags, *_labels in reflagged:
        messages[uidvalidity, uid][2] = flag_sets[flags]
    for uid in expunged:
        messages.pop((uidvalidity, uid), None)
    if is_complete:
        for key in [key for key in messages if key[0] != uidvalidity]:
            del messages[key]


def _records(archive: Path) -> Iterator[list[Any]]:
    """Yield the journal's lines as they were written, and check seals and chain."""
    identity = tomllib.loads((archive / "archive.toml").read_text())
    chain = hashlib.sha256(f"mailvault journal {identity['id']}".encode()).digest()
    sequence = 0
    for path in sorted((archive / "journal").glob("*.zst")):
        for number, group in enumerate(_frames(path.read_bytes())):
            *lines, seal = group.splitlines(keepends=True)
            sequence += 1
            chain = hashlib.sha256(chain + b"".join(lines)).digest()
            assert json.loads(seal) == ["seal", sequence, chain.hex()]
            if number == 0:
                assert json.loads(lines.pop(0)) == ["journal", 1, identity["id"]]
            yield from map(json.loads, lines)


def _frames(octets: bytes) -> Iterator[bytes]:
    while octets:
        decompressor = zstandard.ZstdDecompressor().decompressobj()
        content = decompressor.decompress(octets)
        if not decompressor.eof:  # a crash cut it off; nobody was told of it
            return
        yield content
        octets = decompressor.unused_data


class _Files:
    """A file for each message, named by its digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def octets(self, digest: bytes) -> bytes:
        name = digest.hex()
        (octets,) = _frames((self._folder / name[:2] / name).read_bytes())
        return octets


class _Content:
    """The volumes: frames by digest, recipes and the parts they name."""

    def __init__(self, folder: Path) -> None:
        self._volumes = sorted(folder.glob("*.db"), reverse=True)

    def octets(self, digest: bytes) -> bytes:
        kind, stored = self._object(digest)
        return stored if kind == 0 else self._cooked(stored)

    def _cooked(self, recipe: bytes) -> bytes:
        """Put the lifted parts back into the text."""
        (count,) = struct.unpack_from("<I", recipe)
        text = recipe[4 + count * _HOLE.size :]
        pieces: list[bytes] = []
        place = 0
        for number in range(count):
            gap, size, length, flags, digest = _HOLE.unpack_from(
                recipe, 4 + number * _HOLE.size
            )
            part = self.octets(digest)
            assert (hashlib.sha256(part).digest(), len(part)) == (digest, size)
            pieces += [text[place : place + gap], _in_lines(part, length, flags)]
            place += gap
        return b"".join([*pieces, text[place:]])

    def _object(self, digest: bytes) -> tuple[int, bytes]:
        for path in self._volumes:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as volume:
                rows = volume.execute(
                    "SELECT kind, size, dictionary, substr(frames, offset + 1, length)"
                    " FROM object JOIN pack ON pack.id = pack WHERE digest = ? ORDER BY part",
                    (digest,),
                ).fetchall()
                if rows:
                    frames = [_unpacked(volume, *row[1:]) for row in rows]
                    return rows[0][0], b"".join(frames)
        raise AssertionError(f"{digest.hex()} is in no volume")


def _unpacked(volume: sqlite3.Connection, size: int, number: int | None, frame: bytes) -> bytes:
    dictionary = None
    if number is not None:
        query = "SELECT content FROM dictionary WHERE id = ?"
        (packed,) = volume.execute(query, (number,)).fetchone()
        dictionary = zstandard.ZstdCompressionDict(zstandard.decompress(packed))
    octets = zstandard.ZstdDecompressor(dict_data=dictionary).decompress(frame)
    assert len(octets) == size
    return octets


def _in_lines(part: bytes, length: int, flags: int) -> bytes:
    """Encode a part as it stood: bit 0 says LF line ends, bit 1 that padding was left off."""
    encoded = base64.b64encode(part)
    if flags & 2:
        encoded = encoded.rstrip(b"=")
    if not length:
        return encoded
    lines = (encoded[start : start + length] for start in range(0, len(encoded), length))
    return (b"\n" if flags & 1 else b"\r\n").join(lines)
