"""The archive as one thing: folder, lock, content, journal and catalog, opened together."""

import logging
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mailvault.archive import dialect
from mailvault.archive.catalog import schema
from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.check import check_archive
from mailvault.archive.committer import Committer
from mailvault.archive.header_index import index_message
from mailvault.archive.identity import (
    Identity,
    has_identity,
    require_identity,
    write_identity,
)
from mailvault.archive.known import KnownMailbox
from mailvault.archive.layout import (
    Layout,
    OpenContent,
    journal_folder,
    open_content,
    tmp_folder,
)
from mailvault.archive.lock import WriteLock
from mailvault.archive.places import becoming_archive, claim_folder
from mailvault.archive.private import disk_usage, explained, make_folder
from mailvault.archive.proofs import Stretch, keep_proofs
from mailvault.archive.readying import Choice, Here, Readying, ready
from mailvault.archive.recorder import Recorder
from mailvault.archive.remaking import finish
from mailvault.archive.served.opening import check_maildirs, require_fitting, served_tree
from mailvault.archive.standings import Standing, Standings
from mailvault.archive.unfinished import is_copy
from mailvault.errors import ArchiveDamaged, ArchiveError, DestinationError
from mailvault.mail.changes import JobEnded, Record
from mailvault.mail.model import Digest, RunNumber
from mailvault.ports import Clock, ContentStore, Finding, Known, Prepared

if TYPE_CHECKING:
    from mailvault.archive.served.tree import ServedTree

log = logging.getLogger(__name__)

NOTE_WAIT = 2.0
"""Seconds that a note waits for the lock."""

_OWN = {"journal", "tmp", "lock", "archive.toml.new"}


class Archive:
    """An open archive. A context manager; made by `create` and `open`."""

    def __init__(
        self, layout: Layout, content: ContentStore, catalog: Catalog, clock: Clock
    ) -> None:
        self.path = layout.path
        self.id = layout.identity.id
        self.store = layout.identity.store
        self.created = layout.identity.created
        self.tmp = layout.tmp
        self.content = content
        self.catalog = catalog
        self.standings = Standings(layout.path)
        self._layout = layout
        self._clock = clock
        self._committer: Committer | None = None
        self._tree: ServedTree | None = None
        self._resources = ExitStack()

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        store: str = "sqlite",
        clock: Clock,
        content: OpenContent = open_content,
    ) -> Self:
        """Make a new archive and open it for writing. A folder there must be empty.

        Raises:
            DestinationError: the folder cannot be one.
        """
        with becoming_archive(path):
            claim_folder(path)
            _refuse_foreign(path)
        with explained(path), WriteLock.acquire(path, clock=clock):
            make_folder(journal_folder(path))
            make_folder(tmp_folder(path))
            if store == "maildir":
                require_fitting(tmp_folder(path))
            write_identity(path, Identity(str(uuid.uuid4()), store, clock.now()))
        return cls.open(path, writing=True, clock=clock, content=content)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        writing: bool,
        clock: Clock,
        wait: float = 0.0,
        content: OpenContent = open_content,
    ) -> Self:
        """Open an archive; writing waits so many seconds for the lock, reading takes none.

        A writer first does what a killed one left undone, and brings an older catalog up to
        the tables of this release.

        Raises:
            ArchiveMissing, ArchiveLocked, ArchiveTooNew, ArchiveDamaged
        """
        with explained(path):
            layout = Layout(path, require_identity(path))
            open_it = cls._open_for_writing if writing else cls._open_for_reading
            return open_it(layout, content, clock, wait)

    @classmethod
    def _open_for_reading(
        cls, layout: Layout, content: OpenContent, clock: Clock, wait: float
    ) -> Self:
        if dialect.is_absent(layout.catalog):
            _refuse_lost_catalog(layout)
            with cls._open_for_writing(layout, content, clock, wait):
                pass  # which does what a killed `create` left undone
        engine = dialect.open_reading(layout.catalog)
        with ExitStack() as resources:
            resources.callback(engine.dispose)
            if not schema.is_current(engine, layout.catalog):
                with cls._open_for_writing(layout, content, clock, wait):
                    pass  # which migrates
            archive = cls(layout, content(layout), Catalog(layout.catalog, engine), clock)
            resources.callback(archive.content.close)
            resources.push(archive.catalog.blame)
            archive._resources = resources.pop_all()
        return archive

    @classmethod
    def _open_for_writing(
        cls, layout: Layout, content: OpenContent, clock: Clock, wait: float
    ) -> Self:
        with ExitStack() as resources:
            resources.enter_context(WriteLock.acquire(layout.path, clock=clock, wait=wait))
            _sweep(layout.tmp)
            _create_catalog(layout)
            engine = dialect.open_writing(layout.catalog)
            resources.callback(engine.dispose)
            if not schema.is_current(engine, layout.catalog):
                schema.migrate(engine, layout.catalog)
            archive = cls(layout, content(layout), Catalog(layout.catalog, engine), clock)
            resources.callback(archive.content.close)
            resources.push(archive.catalog.blame)
            finish(layout, archive.catalog)
            archive._committer = Committer(archive.content, layout.journal, archive.catalog)
            groups = archive._committer.catch_up()
            if groups:
                log.info("%s: brought %d groups into the catalog", layout.path, groups)
            archive._show_maildirs(resources)
            archive._resources = resources.pop_all()
        return archive

    def _show_maildirs(self, resources: ExitStack) -> None:
        """Keep the Maildirs level, where the archive has any, until it is closed."""
        self._tree = tree = served_tree(self._layout, self.content, self.catalog)
        if tree is not None and self._committer is not None:
            tree.recover(self._layout.journal)
            self._committer.follow_with(tree.follow)
            resources.callback(tree.settle)

    def start_run(self) -> Recorder:
        """Begin a run of sync; it takes its number now and is recorded with its changes."""
        if self._committer is None:
            raise ArchiveError(f"{self.path} was opened for reading")
        here = Here(self.content)

        def for_many() -> Readying:
            from mailvault.archive.readying_elsewhere import elsewhere

            return elsewhere(self.content, here)

        choice = Choice(here, for_many)
        return Recorder(choice, self.catalog, self._committer, self._clock)

    def note_job(self, job: JobEnded) -> bool:
        """Write down how a command ended that is no run of sync; say whether that was possible.

        An archive open for reading takes the lock for a moment. Whoever does not get it has
        done the work all the same. Not while a run is being recorded.
        """
        return self._note(f"this {job.kind}", lambda writer: writer.tell([job]))

    def note_proved(self, stretches: Sequence[Stretch], at: datetime) -> bool:
        """Remember that messages were read and hashed; as `note_job` does."""
        if not stretches:
            return True

        def write(writer: "Archive") -> None:
            with writer.catalog.writing() as connection:
                keep_proofs(connection, stretches, at)

        return self._note("which messages were verified", write)

    def note_standing(self, account: str, standing: Standing) -> bool:
        """Remember how an account stands with its server; as `note_job` does."""
        if self.standings.of(account) == standing:
            return True
        return self._note(
            f"how {account} stands with its server",
            lambda writer: writer.standings.keep(account, standing),
        )

    def _note(self, what: str, write: Callable[["Archive"], None]) -> bool:
        if is_copy(self.path):
            log.info("%s is a copy: %s is not noted there", self.path, what)
            return False
        if self._committer is not None:
            write(self)
            return True
        try:
            with self.open(
                self.path, writing=True, clock=self._clock, wait=NOTE_WAIT
            ) as writer:
                write(writer)
        except ArchiveError as error:
            log.warning("%s is not written down in the archive: %s", what, error)
            return False
        return True

    def tell(self, records: Sequence[Record], prepared: Sequence[Prepared] = ()) -> None:
        """Make records durable that belong to no run, and messages that are stored again.

        Not while a run is being recorded.
        """
        if self._committer is None:
            raise ArchiveError(f"{self.path} was opened for reading")
        run = self.catalog.last_run() or RunNumber(1)  # which only names a journal file
        self._committer.commit(run, records, [ready(each) for each in prepared])

    def index_again(self, digest: Digest) -> None:
        """Read the header of a message into the catalog, if it can be read by now."""
        try:
            index = index_message(digest, self.content.outline(digest))
        except ArchiveError as error:
            log.info("%s: cannot be indexed: %s", digest, error)
            return
        self.catalog.index_again({digest: index})

    def known(self, mailbox_id: int) -> Known:
        """What the catalog holds of a mailbox. Usable from any thread."""
        return KnownMailbox(self.catalog, mailbox_id)

    def now(self) -> datetime:
        """What the archive's clock says."""
        return self._clock.now()

    def check(self) -> Iterator[Finding]:
        """Look for damage to the structure, without reading all content."""
        layout = self._layout
        yield from check_archive(layout.journal, self.content, self.catalog, layout.start)
        yield from check_maildirs(layout, self.content, self.catalog, self._tree)

    def maildir_faults(self) -> list[str]:
        """Where the Maildirs are not what `level_maildirs` would make them."""
        from mailvault.archive.served.checking import FOREIGN

        found = check_maildirs(self._layout, self.content, self.catalog, self._tree)
        return [finding.detail for finding in found if finding.kind != FOREIGN]

    def level_maildirs(self) -> None:
        """Make the Maildirs what the catalog says, whatever others made of them."""
        if self._tree is not None:
            self._tree.level()

    def stored_octets(self) -> int:
        """What the whole folder costs on disk."""
        with explained(self.path):
            return disk_usage(self.path)

    def close(self) -> None:
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._resources.__exit__(kind, error, trace)


def _refuse_foreign(path: Path) -> None:
    if has_identity(path):
        raise DestinationError(
            f"{path} already holds an archive", hint="use it, or another path"
        )
    foreign = {entry.name for entry in path.iterdir()} - _OWN
    if foreign or any(journal_folder(path).glob("*")):
        raise DestinationError(f"{path} is not empty", hint="choose a folder of its own")


def _refuse_lost_catalog(layout: Layout) -> None:
    """Without a catalog the journal must be empty: then nothing was ever archived."""
    if layout.journal.files():
        raise ArchiveDamaged(f"{layout.catalog} is missing", hint=dialect.REBUILD_HINT)


def _create_catalog(layout: Layout) -> None:
    """Make the catalog of a new archive, also where making it was cut short."""
    if not dialect.is_absent(layout.catalog):
        return
    _refuse_lost_catalog(layout)
    dialect.remove_database(layout.catalog)
    dialect.create_database(layout.catalog)
    with Catalog(layout.catalog, dialect.open_writing(layout.catalog)) as catalog:
        catalog.create(layout.start)


def _sweep(tmp: Path) -> None:
    """Remove what a killed process left. Only the lock's holder puts named files here."""
    make_folder(tmp)
    for entry in tmp.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
