"""Convert: an archive with its history, in another content store."""

from dataclasses import dataclass
from pathlib import Path

from mailvault.archive.archive import Archive
from mailvault.archive.converting import convert_archive
from mailvault.mail.model import Digest
from mailvault.operations.reports import INCOMPLETE, Progress
from mailvault.ports import Clock


@dataclass(frozen=True, slots=True)
class ConvertReport:
    """``lost`` are messages that the old archive could not give, and why."""

    path: Path
    store: str
    messages: int
    octets: int
    stored_octets: int
    lost: tuple[tuple[Digest, str], ...] = ()

    @property
    def exit_code(self) -> int:
        return INCOMPLETE if self.lost else 0


def convert(
    path: Path, target: Path, store: str, *, clock: Clock, progress: Progress
) -> ConvertReport:
    """Make an archive at ``target`` from the one at ``path``, which stays as it is."""
    with Archive.open(path, writing=False, clock=clock) as archive:
        progress.expect(archive.catalog.status().messages)
    converted = convert_archive(
        path,
        target,
        store,
        clock=clock,
        told=lambda octets: progress.stored(1, octets),
    )
    with Archive.open(target, writing=False, clock=clock) as archive:
        return ConvertReport(
            path=target,
            store=archive.store,
            messages=converted.messages,
            octets=converted.octets,
            stored_octets=archive.stored_octets(),
            lost=tuple(sorted(converted.lost.items())),
        )
