"""What a zip file that is being filled holds so far, so that a killed export can go on.

Each mark stands for a stretch of the zip file that is on the disk: where it ends, the files
in it, and the messages these are. One line is one mark, so it counts wholly or not at all.
"""

import base64
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field

from mailvault.destinations.copies import KEY_OCTETS
from mailvault.destinations.export_record import ExportRecord, texts
from mailvault.mail.zip_records import ZipEntry

Path = tuple[str, ...]


@dataclass(slots=True)
class ZipMailbox:
    """What is known of one mailbox; ``keys`` are `copy_key`s, one after the other."""

    keys: bytearray = field(default_factory=bytearray)
    keywords: str = ""

    def messages(self) -> Iterator[int]:
        for start in range(0, len(self.keys), KEY_OCTETS):
            yield int.from_bytes(self.keys[start : start + KEY_OCTETS], "big")


class ZipRecord:
    """Reads and writes the marks."""

    def __init__(self, record: ExportRecord) -> None:
        self._record = record
        self.octets = 0
        self.mailboxes: dict[Path, ZipMailbox] = {}
        for entry in record.entries():
            self._learn(entry)

    def mark(
        self, path: Path, octets: int, entries: list[ZipEntry], keys: bytes, keywords: str
    ) -> None:
        """Note what is on the disk now; it belongs to one mailbox."""
        line: dict[str, object] = {
            "mark": list(path),
            "octets": octets,
            "keys": base64.b64encode(keys).decode(),
            "keywords": keywords,
            "entries": [astuple(entry) for entry in entries],
        }
        self._record.write(line)
        self._learn(line)

    def forget(self) -> None:
        """Begin anew: what the marks speak of is gone."""
        self._record.restart()
        self.octets = 0
        self.mailboxes.clear()

    def entries(self) -> Iterator[ZipEntry]:
        """All files of all marks, in the order of the zip file."""
        for line in self._record.entries():
            found = line.get("entries")
            if isinstance(found, list):
                yield from (ZipEntry(*entry) for entry in found)

    def _learn(self, line: dict[str, object]) -> None:
        path, octets = texts(line.get("mark")), line.get("octets")
        keys, keywords = line.get("keys"), line.get("keywords")
        if path is None or not isinstance(octets, int) or not isinstance(keys, str):
            return
        self.octets = octets
        mailbox = self.mailboxes.setdefault(path, ZipMailbox())
        mailbox.keys += base64.b64decode(keys)
        mailbox.keywords = keywords if isinstance(keywords, str) else ""
