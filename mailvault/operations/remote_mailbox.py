"""Compares one mailbox of a server with the archive, some messages at a time."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from random import Random
from typing import TypeVar

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import MailboxView
from mailvault.errors import ArchiveDamaged, MessageMissing
from mailvault.mail.model import Digest, Flags, Mailbox, Uid, digest_of, octet_count
from mailvault.operations.remote_report import OF_OCTETS, RemoteKind, RemoteMailbox
from mailvault.operations.reports import Progress
from mailvault.operations.verify import VerifyFinding
from mailvault.ports import Comparison, Inspecting, Kept, Known, Listed, Reread

T = TypeVar("T")

BLOCK = 200
"""Messages compared, and then perhaps read, at a time."""

NAMED = 1000
"""Findings of one mailbox that are named; the rest is only counted."""

DOUBTED = 50
"""Messages whose size is another one, that are read in any case. Servers lie about sizes."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How much of the messages is read: a share of 100, chosen by ``chance``."""

    percent: float
    chance: Random

    @property
    def is_full(self) -> bool:
        return self.percent >= 100

    def hits(self) -> bool:
        return self.percent > 0 and self.chance.random() * 100 < self.percent


@dataclass(slots=True)
class MailboxComparison:
    """Compares one mailbox that is selected and in the archive."""

    archive: Archive
    source: Inspecting
    account: str
    mailbox: Mailbox
    view: MailboxView
    debts: Mapping[Uid, str]
    depth: Depth
    progress: Progress
    findings: list[VerifyFinding] = field(default_factory=list)
    _numbers: RemoteMailbox = field(init=False)
    _untold: Counter[RemoteKind] = field(default_factory=Counter)
    _doubted: int = 0
    _has_lied: bool = False
    _doubts: list[tuple[Listed, Kept]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = RemoteMailbox(
            self.mailbox.name, on_server=0, in_archive=self.view.messages
        )

    @property
    def numbers(self) -> RemoteMailbox:
        """What was counted so far."""
        return self._numbers

    def run(self) -> None:
        """Compare everything. Raises SourceError; what was found before stays."""
        known = self.archive.known(self.view.mailbox_id)
        if self.source.is_renumbered(self.mailbox, known):
            detail = "the server has numbered the mailbox anew since the last sync"
            self._count(on_server=self.mailbox.state.messages or 0)
            self._tell(RemoteKind.RENUMBERED, detail)
            return
        comparisons = self.source.compare(self.mailbox, self.view.cursor, known)
        for some in _batched(comparisons, BLOCK):
            self._judge(some, known)
        self._tell_doubts()
        for kind, number in sorted(self._untold.items()):
            self._find(kind, f"and {number} more messages of the mailbox", None, None)

    def _judge(self, some: Sequence[Comparison], known: Known) -> None:
        uids = [each.kept.uid for each in some if each.kept is not None]
        flags = known.window(min(uids), max(uids)) if uids else {}
        to_read: dict[str, Kept | None] = {}
        wanted: list[Listed] = []
        for each in some:
            if each.listed is None:
                self._count(gone=1)
                continue
            self._count(on_server=1)
            is_read = (
                self._is_alone_read(each.listed)
                if each.kept is None
                else self._is_pair_read(each.listed, each.kept, flags)
            )
            if is_read:
                to_read[each.listed.remote_id] = each.kept
                wanted.append(each.listed)
        if wanted:
            for reread in self.source.reread(self.mailbox, wanted):
                self._read(reread, to_read[reread.listed.remote_id])

    def _is_alone_read(self, listed: Listed) -> bool:
        """Judge a message that the archive does not know of; say whether to read it."""
        if not listed.is_named and self.depth.is_full:
            return True
        self._count(absent=1)
        if not listed.is_named:
            detail = "it has no unique-id of its own; --full reads and compares it"
            self._tell(RemoteKind.UNNAMED, detail, listed)
        elif listed.uid is not None and listed.uid in self.debts:
            self._tell(RemoteKind.OWED, self.debts[listed.uid], listed)
        elif listed.is_news:
            self._tell(RemoteKind.ABSENT, "it arrived after the last sync", listed)
        else:
            detail = "the archive does not know it, although it was there at the last sync"
            self._tell(RemoteKind.ABSENT, detail, listed)
        return False

    def _is_pair_read(self, listed: Listed, kept: Kept, flags: Mapping[Uid, Flags]) -> bool:
        """Judge what both sides have by its numbers alone; say whether to read it."""
        self._count(matched=1)
        if kept.digest not in self.archive.content:
            detail = "its octets are not in the content store"
            self._tell(RemoteKind.MISSING, detail, listed, kept)
            self._count(different=1)
            return False
        if listed.flags is not None and listed.flags != flags.get(kept.uid, frozenset()):
            self._count(flags=1)
            self._tell(RemoteKind.FLAGS, _flags_detail(listed, flags, kept), listed, kept)
        if listed.size is not None and listed.size != kept.size:
            return self._is_doubt_read(listed, kept)
        return self.depth.hits()

    def _is_doubt_read(self, listed: Listed, kept: Kept) -> bool:
        """Some are read; a server that turns out to lie about sizes is not believed."""
        self._doubted += 1
        if self.depth.is_full or self._doubted <= DOUBTED:
            return True
        if self.depth.hits():
            return True
        if len(self._doubts) < NAMED:
            self._doubts.append((listed, kept))
        return False

    def _tell_doubts(self) -> None:
        """Name those of another size that were not read, if the server did not lie so far."""
        for listed, kept in () if self._has_lied else self._doubts:
            detail = f"the server says {listed.size} octets, the archive has {kept.size}"
            self._tell(RemoteKind.SIZE, detail, listed, kept)

    def _read(self, reread: Reread, kept: Kept | None) -> None:
        if reread.octets is None:
            detail = reread.problem or "the server does not send it"
            self._tell(RemoteKind.UNREADABLE, detail, reread.listed, kept)
            return
        digest, octets = digest_of(reread.octets), octet_count(reread.octets)
        if not isinstance(reread.octets, bytes):
            reread.octets.discard()
        self._count(read=1, octets=octets)
        self.progress.stored(1, octets)
        if kept is None:
            self._read_unnamed(reread.listed, digest)
        elif digest != kept.digest:
            self._count(different=1)
            detail = f"the server now has {digest}, {octets} octets"
            self._tell(RemoteKind.DIFFERENT, detail, reread.listed, kept)
        else:
            self._has_lied = self._has_lied or reread.listed.size not in (None, octets)
            self._prove(reread.listed, kept)

    def _read_unnamed(self, listed: Listed, digest: Digest) -> None:
        if digest in self.archive.content and self.archive.catalog.sizes([digest]):
            self._count(matched=1)
        else:
            self._count(absent=1)
            self._tell(RemoteKind.ABSENT, "its octets are not in the archive", listed)

    def _prove(self, listed: Listed, kept: Kept) -> None:
        """The server has what the catalog says; so must the archive's disk."""
        try:
            self.archive.content.prove(kept.digest)
        except MessageMissing as error:
            self._tell(RemoteKind.MISSING, str(error), listed, kept)
        except ArchiveDamaged as error:
            self._tell(RemoteKind.DAMAGED, str(error), listed, kept)

    def _count(self, **more: int) -> None:
        numbers = self._numbers
        values = {name: getattr(numbers, name) + number for name, number in more.items()}
        self._numbers = replace(numbers, **values)

    def _tell(
        self,
        kind: RemoteKind,
        detail: str,
        listed: Listed | None = None,
        kept: Kept | None = None,
    ) -> None:
        if len(self.findings) >= NAMED and kind not in OF_OCTETS:
            self._untold[kind] += 1
        else:
            self._find(kind, detail, listed, kept)

    def _find(
        self, kind: RemoteKind, detail: str, listed: Listed | None, kept: Kept | None
    ) -> None:
        self.findings.append(
            VerifyFinding(
                kind=kind.value,
                detail=detail,
                digest=kept.digest if kept else None,
                account=self.account,
                mailbox=self.mailbox.name,
                remote_id=listed.remote_id if listed else None,
            )
        )


def _flags_detail(listed: Listed, flags: Mapping[Uid, Flags], kept: Kept) -> str:
    server = " ".join(sorted(listed.flags or ())) or "none"
    archive = " ".join(sorted(flags.get(kept.uid, ()))) or "none"
    return f"flags on the server: {server}; in the archive: {archive}"


def _batched(values: Iterator[T], size: int) -> Iterator[list[T]]:
    while some := list(islice(values, size)):
        yield some
