"""Exports in every format, read back and compared with what the server served."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mailvault import wiring
from mailvault.config.model import Configuration
from mailvault.demo.mailbox import ServedPlacement
from mailvault.destinations.eml import EmlDestination
from mailvault.destinations.maildir import MaildirDestination
from mailvault.destinations.mbox import MboxDestination
from mailvault.mail.mbox import unquote
from mailvault.operations.export import export
from mailvault.ports import Destination

_FROM_LINE = re.compile(rb"(?:\A|\n)From [^\n]*\n")


@dataclass(frozen=True, slots=True)
class ExportCheck:
    """One export: what was written, and whether it is the server's mail, octet for octet."""

    format: str
    folder: str
    messages: int
    is_equal: bool


def check_exports(
    configuration: Configuration, folder: Path, served: Iterable[ServedPlacement]
) -> tuple[ExportCheck, ...]:
    """Export all mail to each format below ``folder`` and read it back."""
    expected = Counter(placement.digest for placement in served)
    checks = []
    for name, (make_destination, read) in _FORMATS.items():
        target = folder / name
        _export(configuration, make_destination(target))
        found = Counter(hashlib.sha256(octets).hexdigest() for octets in read(target))
        checks.append(ExportCheck(name, str(target), found.total(), found == expected))
    return tuple(checks)


def _export(configuration: Configuration, destination: Destination) -> None:
    with wiring.open_archive(configuration, writing=False) as archive, destination:
        export(archive, destination)


def _read_maildirs(folder: Path) -> Iterator[bytes]:
    for path in folder.rglob("*"):
        if path.is_file() and path.parent.name in ("cur", "new"):
            yield path.read_bytes()


def _read_files(folder: Path) -> Iterator[bytes]:
    for path in folder.rglob("*.eml"):
        yield path.read_bytes()


def _read_mboxes(folder: Path) -> Iterator[bytes]:
    """Read mboxrd files as `mailvault.mail.mbox` defines them."""
    for path in folder.rglob("*.mbox"):
        content = path.read_bytes()
        starts = list(_FROM_LINE.finditer(content))
        ends = [match.start() for match in starts[1:]] + [len(content) - 1]
        for start, end in zip(starts, ends, strict=True):
            yield unquote(content[start.end() : end])


_FORMATS: dict[str, tuple[Callable[[Path], Destination], Callable[[Path], Iterator[bytes]]]] = {
    "maildir": (MaildirDestination, _read_maildirs),
    "mbox": (MboxDestination, _read_mboxes),
    "eml": (EmlDestination, _read_files),
}
