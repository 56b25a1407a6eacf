"""The catalog of one archive: questions for everybody, `apply` for the holder of the lock."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from mailvault.archive import dialect
from mailvault.archive.catalog import (
    forgetting,
    history,
    jobs,
    last_runs,
    losses,
    mailboxes,
    messages,
    periods,
    placements,
    quarantine,
    schema,
)
from mailvault.archive.catalog.messages import Indexes
from mailvault.archive.catalog.tables import attachment, journal_position, message, run
from mailvault.archive.catalog.views import (
    AccountView,
    DebtView,
    ExpungedView,
    JobView,
    LastRunView,
    MailboxView,
    MessageView,
    PeriodView,
    PlacementView,
    RunTimeView,
    RunView,
    Status,
    SuspicionView,
)
from mailvault.archive.catalog.words import AnyQuery, chunked
from mailvault.archive.catalog.writer import CatalogWriter
from mailvault.archive.instants import from_seconds
from mailvault.archive.journal import Position
from mailvault.errors import ArchiveDamaged
from mailvault.mail.changes import Record
from mailvault.mail.model import Digest, RunNumber
from mailvault.mail.parts import Attachment

_BY_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    SQLAlchemyError,
    TypeError,
    ValueError,
)
_DIGEST_DIGITS = 64
_PAGE = 1000


class Catalog:
    """Answers come as values and in short reads, so that a reader never blocks the writer."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """For what has to be done before the tables are those of this release."""
        return self._engine

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def create(self, position: Position) -> None:
        """Make the tables in an empty database."""
        with dialect.explained_sql(self.path):
            schema.create(self._engine, position)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A short read."""
        with dialect.explained_sql(self.path), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction for what no record tells, by the holder of the lock."""
        with dialect.explained_sql(self.path), dialect.writing(self._engine) as connection:
            yield connection

    def apply(self, records: Sequence[Record], position: Position, indexes: Indexes) -> None:
        """Make everything that a group of the journal says true, in one transaction."""
        with dialect.explained_sql(self.path), dialect.writing(self._engine) as connection:
            CatalogWriter(connection, indexes).write(records)
            schema.write_position(connection, position)

    def position(self) -> Position:
        """How much of the journal this catalog was told."""
        columns = journal_position.c
        query = select(columns.sequence, columns.chain, columns.file, columns.offset)
        with self.reading() as connection:
            return Position(*connection.execute(query).one())

    def move_to(self, position: Position) -> None:
        """The journal was written anew, and says up to there what this catalog says."""
        with dialect.explained_sql(self.path), dialect.writing(self._engine) as connection:
            schema.write_position(connection, position)

    def back_up(self, target: Path) -> None:
        """Copy the catalog as it is now to a new file, durable when this returns."""
        with dialect.explained_sql(self.path):
            dialect.back_up(self._engine, target)

    def faults(self) -> list[str]:
        """What is wrong with the structure of the database."""
        with dialect.explained_sql(self.path):
            return dialect.faults(self._engine)

    def blame(
        self, _kind: object, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Where an error can come of a damaged catalog, and it is damaged, say that instead.

        Raises:
            ArchiveDamaged
        """
        if isinstance(error, _BY_DAMAGE) and (faults := self.faults()):
            raise ArchiveDamaged(
                f"{self.path} is damaged: {faults[0]}", hint=dialect.REBUILD_HINT
            ) from error

    def last_run(self) -> RunNumber | None:
        with self.reading() as connection:
            found = connection.scalar(select(func.max(run.c.run)))
        return None if found is None else RunNumber(found)

    def accounts(self) -> list[AccountView]:
        with self.reading() as connection:
            return mailboxes.list_accounts(connection)

    def mailboxes(
        self,
        account: str | None = None,
        at: RunNumber | None = None,
        *,
        include_gone: bool = False,
    ) -> Iterator[MailboxView]:
        """The mailboxes as they are, or were after a run."""
        with self.reading() as connection:
            views = mailboxes.list_mailboxes(connection, account, at)
        return (view for view in views if include_gone or not view.is_gone)

    def placements(
        self,
        *,
        account: str | None = None,
        mailbox_ids: Collection[int] | None = None,
        at: RunNumber | None = None,
        gone: bool = False,
        digest: Digest | None = None,
    ) -> Iterator[PlacementView]:
        """Messages in mailboxes as they are, or were after a run; or those then expunged.

        With a digest: every placement which that message has or had.
        """
        if digest is not None:
            yield from self.placements_of(digest)
            return
        select_rows = placements.select_gone if gone else placements.select_present
        query = select_rows(at)
        for view in self.mailboxes(account, at, include_gone=True):
            if mailbox_ids is None or view.mailbox_id in mailbox_ids:
                yield from self._pages(query, view)

    def _pages(self, query: AnyQuery, mailbox: MailboxView) -> Iterator[PlacementView]:
        after, is_last = None, False
        while not is_last:
            with self.reading() as connection:
                page = placements.read_page(connection, query, mailbox, after)
            yield from page.views
            after, is_last = page.end, page.end is None

    def placements_of(self, digest: Digest) -> list[PlacementView]:
        """Every placement that a message has or had, by the mailboxes' present names."""
        with self.reading() as connection:
            names = {
                view.mailbox_id: view
                for view in mailboxes.list_mailboxes(connection, None, None)
            }
            return placements.placements_of(connection, digest, names)

    def first_unjudged(self, account: str) -> RunNumber:
        """The run after the last one that an account finished; those between were killed."""
        with self.reading() as connection:
            return losses.find_first_unjudged(connection, account)

    def lost(
        self, account: str, since: RunNumber, *, before: RunNumber | None = None
    ) -> dict[int, int]:
        """How many messages each mailbox of an account lost since a run, moves left out."""
        with self.reading() as connection:
            return losses.count_lost(connection, account, since, before)

    def gone_since(self, account: str, run: RunNumber) -> tuple[int, int]:
        """Messages of an account, and their octets, that the server has no more since then."""
        with self.reading() as connection:
            return losses.count_gone(connection, account, run)

    def replaced(self, account: str, since: RunNumber) -> dict[int, int]:
        """How many messages of each mailbox came back with other octets since a run."""
        with self.reading() as connection:
            return losses.count_replaced(connection, account, since)

    def digests(self) -> Iterator[Digest]:
        """Every message that was ever placed."""
        after = 0
        query = select(message.c.id, message.c.digest).order_by(message.c.id).limit(_PAGE)
        while True:
            with self.reading() as connection:
                rows = connection.execute(query.where(message.c.id > after)).all()
            # Damage, of which `faults` tells, can leave nothing in the place of one.
            yield from (Digest(digest) for _, digest in rows if digest is not None)
            if not rows:
                return
            dialect.require_progress(after, rows[-1][0])
            after = rows[-1][0]

    def sizes(self, digests: Collection[Digest]) -> dict[Digest, int]:
        """The sizes of those messages that the catalog knows."""
        found: dict[Digest, int] = {}
        with self.reading() as connection:
            for some in chunked([each.value for each in digests], dialect.PARAMETERS):
                query = select(message.c.digest, message.c.size)
                rows = connection.execute(query.where(message.c.digest.in_(some)))
                found.update((Digest(digest), size) for digest, size in rows)
        return found

    def find_digest(self, prefix: str, limit: int = 10) -> list[Digest]:
        """The messages whose digest begins with these hexadecimal digits.

        Raises:
            ValueError: they are none.
        """
        first = bytes.fromhex(prefix.ljust(_DIGEST_DIGITS, "0"))
        last = bytes.fromhex(prefix.ljust(_DIGEST_DIGITS, "f"))
        query = select(message.c.digest).where(message.c.digest.between(first, last))
        with self.reading() as connection:
            found = connection.scalars(query.order_by(message.c.digest).limit(limit))
            return [Digest(digest) for digest in found]

    def message(self, digest: Digest) -> MessageView | None:
        with self.reading() as connection:
            row = connection.execute(
                select(message).where(message.c.digest == digest.value)
            ).first()
            if row is None:
                return None
            columns = attachment.c
            attachments = connection.execute(
                select(columns.name, columns.content_type, columns.size)
                .where(columns.message_id == row.id)
                .order_by(columns.position)
            ).all()
        return MessageView(
            digest=digest,
            size=row.size,
            message_id=row.message_id,
            date=None if row.date is None else from_seconds(row.date),
            from_=row.sender,
            to=row.recipients,
            cc=row.copies,
            subject=row.subject,
            attachments=tuple(Attachment(*each) for each in attachments),
            placements=tuple(self.placements_of(digest)),
        )

    def runs(
        self,
        account: str | None = None,
        limit: int | None = None,
        *,
        until: RunNumber | None = None,
    ) -> Iterator[RunView]:
        """The runs up to ``until``, newest first."""
        with dialect.explained_sql(self.path):
            yield from history.iterate_runs(self._engine, account, limit, until)

    def run_times(self) -> Iterator[RunTimeView]:
        """When all runs were, newest first."""
        with dialect.explained_sql(self.path):
            yield from history.iterate_run_times(self._engine)

    def run_at(self, instant: datetime) -> RunNumber | None:
        """The last run that had begun by then."""
        with self.reading() as connection:
            return history.find_run_at(connection, instant)

    def debts(self, account: str | None = None) -> list[DebtView]:
        """What servers list but would not give."""
        with self.reading() as connection:
            return history.list_debts(connection, account)

    def suspicions(self, account: str | None = None) -> list[SuspicionView]:
        """What guards saw that nobody has accepted yet."""
        with self.reading() as connection:
            return history.list_suspicions(connection, account)

    def jobs(self, limit: int) -> list[JobView]:
        """How the newest commands that are no runs of sync ended, newest first."""
        with self.reading() as connection:
            return jobs.list_jobs(connection, limit)

    def last_jobs(self) -> list[JobView]:
        """The last of each kind and account, oldest first."""
        with self.reading() as connection:
            return jobs.list_last_jobs(connection)

    def last_runs(self) -> list[LastRunView]:
        """The last run of each account."""
        with self.reading() as connection:
            return last_runs.list_last_runs(connection)

    def periods(self, since: datetime, until: datetime) -> list[PeriodView]:
        """What became of each account's runs after ``since`` and up to ``until``."""
        with self.reading() as connection:
            return periods.list_periods(connection, since, until)

    def growth(self, since: datetime) -> tuple[datetime | None, int]:
        """Since when the archive grows as it does, not before ``since``; octets since then."""
        with self.reading() as connection:
            return last_runs.sum_growth(connection, since)

    def expunged(self) -> Iterator[ExpungedView]:
        """The messages that lie in no mailbox any more, and where they lay."""
        after: int | None = 0
        while after is not None:
            with self.reading() as connection:
                names = mailboxes.mailbox_names(connection)
                page, after = forgetting.read_expunged(connection, names, after)
            yield from page

    def forgotten(self) -> set[Digest]:
        """Messages that a policy let go and that have not come back."""
        with self.reading() as connection:
            return set(forgetting.list_forgotten(connection))

    def last_runs_of(self, account: str, limit: int) -> list[RunNumber]:
        """The newest runs that brought an account up to date, newest first."""
        with self.reading() as connection:
            return history.list_successes(connection, account, limit)

    def quarantined(self) -> dict[Digest, datetime]:
        """Messages whose octets are lost, and since when that is known."""
        with self.reading() as connection:
            return quarantine.read_quarantine(connection)

    def unindexed(self) -> list[Digest]:
        """Messages whose headers are not known, as they could not be read."""
        with self.reading() as connection:
            return messages.unindexed(connection)

    def has_lost_memory(self) -> bool:
        """Whether no source knows where to go on, as after a part of the journal was lost."""
        with self.reading() as connection:
            return quarantine.has_lost_memory(connection)

    def index_again(self, indexes: Indexes) -> None:
        """Write what the headers of messages say, which could not be read before."""
        with dialect.explained_sql(self.path), dialect.writing(self._engine) as connection:
            messages.index_again(connection, indexes)

    def status(self) -> Status:
        with self.reading() as connection:
            return history.read_status(connection)
