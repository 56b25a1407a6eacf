"""What an import finds below a path, read into memory."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from mailvault.errors import SourceError
from mailvault.mail.model import Flags
from mailvault.sources.files import FileSource
from mailvault.sources.message_octets import FoundMessage, Portion
from mailvault.sources.trees import open_tree


@dataclass(frozen=True, slots=True)
class Mail:
    octets: bytes
    flags: Flags | None
    date: datetime | None
    labels: frozenset[str] | None


@dataclass(slots=True)
class FoundMail:
    """By mailbox: the messages, the reasons of those not readable, what broke off."""

    messages: dict[str, list[Mail]]
    unread: list[str]
    errors: list[str]
    left_out: list[str]

    @property
    def all(self) -> list[Mail]:
        return [mail for mails in self.messages.values() for mail in mails]

    @property
    def octets(self) -> list[bytes]:
        return [mail.octets for mail in self.all]


def find(path: Path, file_format: str = "auto", *, keeps_line_ends: bool = False) -> FoundMail:
    """Read all mail below a path."""
    found = FoundMail({}, [], [], [])
    with TemporaryDirectory() as folder:
        spool = Path(folder)
        source = FileSource(
            lambda: open_tree(path, spool),
            spool_folder=spool,
            file_format=file_format,
            keeps_line_ends=keeps_line_ends,
        )
        with source:
            for name, portions in source.found.portions.items():
                mails = found.messages.setdefault(str(name), [])
                for portion in portions:
                    _read(portion, spool, mails, found)
            found.left_out = [each.where for each in source.findings().left_out]
        assert not list(spool.iterdir()), "temporary files are left"
    return found


def _read(portion: Portion, spool: Path, mails: list[Mail], found: FoundMail) -> None:
    try:
        for each in portion.messages(spool):
            if not isinstance(each, FoundMessage):
                found.unread.append(each.reason)
                continue
            octets = each.octets
            if isinstance(octets, bytes):
                held = octets
            else:
                held = b"".join(octets.chunks())
                octets.discard()
            mails.append(Mail(held, each.flags, each.internal_date, each.labels))
    except SourceError as error:
        found.errors.append(str(error))
