"""Makes an archive with another content store from an archive, with all its history.

The journal is replayed: message by message into the new store, then record by record into a
new catalog, and at the very end the folder becomes an archive. Until then the same command
goes on where it was cut off.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from mailvault.archive import dialect, unfinished
from mailvault.archive.archive import Archive
from mailvault.archive.content.digest_filter import DigestFilter
from mailvault.archive.drafts import GROUP_MESSAGES, GROUP_OCTETS
from mailvault.archive.far_end import CopiedFile, FarEnd
from mailvault.archive.identity import has_identity, require_identity, write_identity
from mailvault.archive.journal import TornTail
from mailvault.archive.layout import Layout, journal_folder, open_content
from mailvault.archive.lock import WriteLock
from mailvault.archive.places import becoming_archive, claim_folder
from mailvault.archive.private import explained, make_folder
from mailvault.archive.rebuild import replay
from mailvault.archive.served.opening import require_fitting
from mailvault.errors import ArchiveDamaged, DestinationError, MessageMissing
from mailvault.mail.changes import MailboxChanged, Record
from mailvault.mail.model import Digest
from mailvault.ports import Clock, ContentStore, Prepared

Told: TypeAlias = Callable[[int], None]
"""Told of the octets of every message that is in the new store."""

WAIT = 60.0
"""Seconds to wait for another process that writes to the archive."""

_AHEAD = 8
_THREADS = 2


@dataclass(slots=True)
class Converted:
    """What was converted; ``lost`` are messages that the old store could not give."""

    messages: int = 0
    octets: int = 0
    lost: dict[Digest, str] = field(default_factory=dict)


def convert_archive(
    path: Path, target: Path, store: str, *, clock: Clock, told: Told
) -> Converted:
    """Make an archive with the given store at ``target``. The old one is only read.

    Raises:
        DestinationError: the folder holds something else.
        ArchiveLocked: the archive or the folder is in use.
    """
    with explained(path):
        identity = require_identity(path)
        unfinished.refuse_within(target, path)
    if identity.store == store:
        raise DestinationError(
            f"{path} has the store {store} already", hint="to copy it: mailvault copy DEST"
        )
    layout = Layout(target, replace(identity, store=store))
    with becoming_archive(target):
        if has_identity(target) and unfinished.read_mark(target) == _aim(layout):
            unfinished.end(target)  # all that a kill left to be done
            return Converted()
        _claim(layout)
    with ExitStack() as resources, explained(target):
        resources.enter_context(WriteLock.acquire(target, clock=clock))
        archive = resources.enter_context(
            Archive.open(path, writing=True, clock=clock, wait=WAIT)
        )
        make_folder(layout.tmp)
        if store == "maildir":
            require_fitting(layout.tmp)
        converted = _fill(archive, Layout(path, identity), layout, told)
        known = archive.catalog.sizes(converted.lost)  # others were forgotten since
        converted.lost = {each: converted.lost[each] for each in known}
        _become_archive(Layout(path, identity), layout)
    with Archive.open(target, writing=True, clock=clock):
        pass  # which makes its Maildirs, if it has any
    return converted


def _claim(layout: Layout) -> None:
    if has_identity(layout.path):
        raise DestinationError(
            f"{layout.path} already holds an archive", hint="choose another folder"
        )
    claim_folder(layout.path)
    unfinished.begin(layout.path, _aim(layout))


def _aim(layout: Layout) -> unfinished.Unfinished:
    return unfinished.Unfinished("convert", layout.identity.id, layout.identity.store)


def _fill(archive: Archive, old: Layout, new: Layout, told: Told) -> Converted:
    """Put every message into the new store, and the history behind them."""
    with closing(open_content(new)) as content:
        filling = _Filling(archive.content, content, told)
        with ThreadPoolExecutor(_THREADS, "convert") as pool:
            for each in old.journal.groups(after=old.start):
                if not isinstance(each, TornTail):
                    filling.take(each.records, pool)
        filling.commit()
        draft = new.tmp / new.catalog.name
        replay(old.journal, old.start, content, draft, None)
    return filling.converted


def _become_archive(old: Layout, new: Layout) -> None:
    """Everything is there but what makes it an archive."""
    make_folder(journal_folder(new.path))
    files = (CopiedFile(path, f"journal/{path.name}") for _, path in old.journal.files())
    for _ in FarEnd(new.path).take(files):
        pass
    dialect.replace_database(new.catalog, new.tmp / new.catalog.name)
    write_identity(new.path, new.identity)
    unfinished.end(new.path)


class _Filling:
    """Puts messages from one store into another, in the order of the journal."""

    def __init__(self, old: ContentStore, new: ContentStore, told: Told) -> None:
        self._old = old
        self._new = new
        self._told = told
        self._records: Sequence[Record] = ()
        self._done = DigestFilter(b"")
        self._staged: set[Digest] = set()
        self._octets = 0
        self.converted = Converted()

    def take(self, records: Sequence[Record], pool: ThreadPoolExecutor) -> None:
        """Stage what a group placed for the first time."""
        digests = [each for each in dict.fromkeys(_placed(records)) if not self._is_done(each)]
        self._records = records
        self._new.record(records)
        for digest, prepared in _ahead(pool, self._prepared, digests):
            self._done.update([digest.value])
            if isinstance(prepared, str):
                self.converted.lost[digest] = prepared
            else:
                self._put(prepared)
        if not self._staged:
            self._new.rollback()  # nothing came of what it was told

    def commit(self) -> None:
        """Make durable what is staged."""
        self._new.commit()
        self._staged = set()
        self._octets = 0

    def _is_done(self, digest: Digest) -> bool:
        if digest in self._staged:
            return True
        return self._done.may_hold(digest.value) and digest in self._new

    def _put(self, prepared: Prepared) -> None:
        if len(self._staged) >= GROUP_MESSAGES or self._octets >= GROUP_OCTETS:
            self.commit()
            self._new.record(self._records)
        self._new.put(prepared)
        self._staged.add(prepared.digest)
        self._octets += prepared.size
        self.converted.messages += 1
        self.converted.octets += prepared.size
        self._told(prepared.size)

    def _prepared(self, digest: Digest) -> Prepared | str:
        """A message made ready for the new store, or why the old one has lost it."""
        try:
            octets = self._old.get(digest)
        except (ArchiveDamaged, MessageMissing) as error:
            return str(error)
        try:
            return self._new.prepare(octets)
        finally:
            if not isinstance(octets, bytes):
                octets.discard()


def _placed(records: Iterable[Record]) -> Iterator[Digest]:
    for record in records:
        if isinstance(record, MailboxChanged):
            yield from (each.digest for each in record.placed)


def _ahead(
    pool: ThreadPoolExecutor, act: Callable[[Digest], Prepared | str], digests: Iterable[Digest]
) -> Iterator[tuple[Digest, Prepared | str]]:
    """Act on several at once, and yield what came of it in order."""
    under_way: deque[tuple[Digest, Future[Prepared | str]]] = deque()
    for digest in digests:
        under_way.append((digest, pool.submit(act, digest)))
        if len(under_way) >= _AHEAD:
            done, future = under_way.popleft()
            yield done, future.result()
    for done, future in under_way:
        yield done, future.result()
