"""What the files of an export are called in a zip file, format by format."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from mailvault.destinations.files import Measured
from mailvault.destinations.maildir import FORMATS, STEPS, Layout
from mailvault.destinations.maildir_folder import maildir_name
from mailvault.mail.envelope import parse_envelope
from mailvault.mail.filenames import eml_name
from mailvault.mail.pathnames import Steps, nested

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """What the name of a message's file may say."""

    measured: Measured
    date: datetime | None
    number: int
    letters: str


@dataclass(frozen=True, slots=True)
class ZipFormat:
    """A layout of files, each of which is one message."""

    name: str
    steps: Steps
    file_name: Callable[[Member], str]
    folders: Path
    """What each mailbox's folder has in it; the first takes the messages."""
    has_keywords: bool = False
    mark: str | None = None
    """An empty file that subfolders have."""

    def made(self, path: Path) -> Iterator[str]:
        """The folders of a mailbox, with those that lead to it."""
        if path:  # the top is there without being made
            yield from_path(path, "")
        yield from (from_path(path, folder, "") for folder in self.folders if folder)

    def member(self, path: Path, member: Member) -> str:
        folder = [self.folders[0]] if self.folders[0] else []
        return from_path(path, *folder, self.file_name(member))


def from_path(path: Path, *more: str) -> str:
    return "/".join((*path, *more))


def maildir(layout: Layout) -> ZipFormat:
    return ZipFormat(
        f"zip-{FORMATS[layout]}",
        STEPS[layout],
        lambda one: maildir_name(one.measured, one.date, one.number, one.letters),
        ("cur", "new", "tmp"),
        has_keywords=True,
        mark="maildirfolder" if layout is Layout.MAILDIR_PLUS_PLUS else None,
    )


def eml() -> ZipFormat:
    return ZipFormat("zip-eml", nested, _eml_name, ("",))


def _eml_name(member: Member) -> str:
    envelope = parse_envelope(member.measured.head)
    date = member.date or envelope.date
    return eml_name(member.measured.digest, date, envelope.subject, member.number)
