"""Fetching back what was appended, and saying what the target made of it."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailvault.archive.archive import Archive
from mailvault.errors import ArchiveDamaged, MessageMissing
from mailvault.mail.alterations import explain
from mailvault.mail.delivery import Served
from mailvault.mail.model import Digest, Flags, MailboxName, Octets, Uid, digest_of, octet_count
from mailvault.operations.restore_ledger import Ledger
from mailvault.operations.restore_presence import LARGEST_COMPARED, whole
from mailvault.operations.restore_report import READ_BACK_ALL, ReadBack
from mailvault.ports import RemoteDestination

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Appended:
    """A message that the target took, and what it should say of it now."""

    uid: Uid
    digest: Digest
    mailbox: MailboxName
    flags: Flags
    internal_date: datetime | None


class Sample:
    """What of the appended messages is to be looked at; evenly spread if not all."""

    def __init__(self, choice: ReadBack) -> None:
        self._choice = choice
        self._step = 1
        self._seen = 0
        self._kept: list[Appended] = []

    def add(self, message: Appended) -> None:
        if self._choice is ReadBack.NONE:
            return
        if self._seen % self._step == 0:
            self._kept.append(message)
        self._seen += 1
        if self._choice is ReadBack.SOME and len(self._kept) > READ_BACK_ALL:
            self._kept = self._kept[::2]
            self._step *= 2

    def take(self, *, is_last: bool) -> list[Appended]:
        """What may be looked at now: a sample is known only at the end."""
        if self._choice is ReadBack.SOME and not is_last:
            return []
        kept, self._kept = self._kept, []
        return kept


def read_back(
    archive: Archive,
    destination: RemoteDestination,
    appended: Sequence[Appended],
    ledger: Ledger,
) -> None:
    """Compare what the open mailbox gives with what was sent; differences are noted."""
    expected = {message.uid: message for message in appended}
    for served in destination.fetch(sorted(expected)) if expected else ():
        message = expected.pop(served.uid, None)
        if message is None:
            continue
        for how, is_known in _differences(archive, message, served):
            ledger.altered(message.digest, message.mailbox, how, is_known=is_known)
        ledger.checked(1)
    for message in expected.values():
        how = f"it was stored as UID {message.uid}, but the server does not give it back"
        ledger.altered(message.digest, message.mailbox, how, is_known=False)


def _differences(
    archive: Archive, message: Appended, served: Served
) -> Iterator[tuple[str, bool]]:
    if served.octets is None:
        yield "the server does not give it back", False
        return
    try:
        if digest_of(served.octets) != message.digest:
            yield _explained(archive, message.digest, served.octets)
    finally:
        if not isinstance(served.octets, bytes):
            served.octets.discard()
    date = served.internal_date
    if (
        message.internal_date
        and date
        and int(date.timestamp()) != int(message.internal_date.timestamp())
    ):
        yield f"its arrival became {date.isoformat()}", True
    lost = {flag.lower() for flag in message.flags} - {f.lower() for f in served.flags or ()}
    if lost:
        yield f"flags were lost: {' '.join(sorted(lost))}", True


def _explained(archive: Archive, digest: Digest, octets: Octets) -> tuple[str, bool]:
    if octet_count(octets) > LARGEST_COMPARED:
        return "its octets are not the same", False
    try:
        before = whole(archive.content.get(digest))
    except (ArchiveDamaged, MessageMissing) as error:
        return f"its octets are not the same, and cannot be compared: {error}", False
    return explain(before, whole(octets, keep=True))
