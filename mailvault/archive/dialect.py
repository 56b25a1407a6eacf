"""Everything that is SQLite's own: opening with the durability a backup owes its user,
copying and checking a live database, and saying what its errors mean.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache, partial
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Dialect,
    Engine,
    MetaData,
    Table,
    UpdateBase,
    create_engine,
    event,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError

from mailvault.archive.journal_mode import journal_mode_for
from mailvault.archive.private import disk_failed, no_space, open_private, sync_folder
from mailvault.errors import ArchiveDamaged, ArchiveError, ArchiveLocked

__all__ = [
    "PARAMETERS",
    "REBUILD_HINT",
    "back_up",
    "clustered",
    "create_database",
    "execute_many",
    "explained_sql",
    "faults",
    "insert",
    "is_absent",
    "make_durable",
    "open_reading",
    "open_scratch",
    "open_writing",
    "recover",
    "remove_database",
    "replace_database",
    "require_progress",
    "writing",
]

PARAMETERS = 500
"""How many values one statement may name; SQLite's own bound is higher, its plans worse."""

_BUSY_TIMEOUT = 30.0
_CACHE_KIB = 16 << 10
_SIDECARS = ("-journal", "-wal", "-shm")
_MODE = journal_mode_for(sqlite3.sqlite_version_info)


def clustered(name: str, metadata: MetaData, *columns: Column[Any]) -> Table:
    """A table stored in the order of its primary key, by which alone it is looked up."""
    return Table(name, metadata, *columns, sqlite_with_rowid=False)


def create_database(path: Path) -> None:
    """Make an empty database that only its owner may read; its journals inherit the mode."""
    os.close(open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    sync_folder(path.parent)


def remove_database(path: Path) -> None:
    """Remove a database. Its journal goes last: alone it does no harm."""
    for each in (path, *(path.with_name(path.name + suffix) for suffix in _SIDECARS)):
        each.unlink(missing_ok=True)
    sync_folder(path.parent)


def replace_database(path: Path, draft: Path) -> None:
    """Put a complete database in the place of another.

    The old one's journal must go before the new one comes, or SQLite would apply it there;
    a kill between the two leaves no database, which says so.
    """
    remove_database(path)
    draft.replace(path)
    sync_folder(path.parent)


def is_absent(path: Path) -> bool:
    """Whether there is no database, or only the empty file that precedes one."""
    return not path.is_file() or path.stat().st_size == 0


def open_writing(path: Path) -> Engine:
    pragmas = (f"journal_mode={_MODE.journal_mode}", f"synchronous={_MODE.synchronous}")
    return _open(path, (*pragmas, "foreign_keys=ON"))


def open_reading(path: Path) -> Engine:
    return _open(path, ("query_only=ON",))


def open_scratch(path: Path) -> Engine:
    """Open a database that is worth nothing until `make_durable` was called."""
    return _open(path, ("journal_mode=MEMORY", "synchronous=OFF", "foreign_keys=ON"))


def make_durable(path: Path) -> None:
    """Sync a scratch database, after its engine was disposed of."""
    descriptor = open_private(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(path.parent)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction. IMMEDIATE, so that it waits for its turn at the start."""
    with engine.connect() as connection:
        connection.execution_options(begin="IMMEDIATE")
        with connection.begin():
            yield connection


def execute_many(
    connection: Connection, statement: UpdateBase, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Execute a statement once for each row. Every row gives each of its parameters.

    SQLAlchemy's own way costs more than SQLite's work, for it looks at every value anew.
    """
    text, names = _compiled(statement, connection.dialect, tuple(rows[0]))
    parameters = itemgetter(*names)
    connection.exec_driver_sql(text, [parameters(row) for row in rows])


@lru_cache(maxsize=64)  # statements made once, at the top of a module
def _compiled(
    statement: UpdateBase, dialect: Dialect, columns: tuple[str, ...]
) -> tuple[str, list[str]]:
    compiled = statement.compile(dialect=dialect, column_keys=list(columns))
    return str(compiled), compiled.positiontup or []


def recover(path: Path) -> None:
    """Have SQLite undo or finish what a killed writer left, so that the file stands alone."""
    engine = open_writing(path)
    try:
        with explained_sql(path), engine.connect() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").all()
    finally:
        engine.dispose()


def back_up(engine: Engine, target: Path) -> None:
    """Copy a live database through SQLite, which alone knows what in it is committed."""
    create_database(target)
    with engine.connect() as connection, closing(sqlite3.connect(target)) as copy:
        source = connection.connection.driver_connection
        assert isinstance(source, sqlite3.Connection)
        source.backup(copy)
    make_durable(target)


def faults(engine: Engine) -> list[str]:
    """What SQLite finds wrong with the structure of a database."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return [str(each) for each in found if each != "ok"] + [
        f"a row of {table} refers to a missing row of {parent}"
        for table, _, parent, _ in orphans
    ]


def require_progress(after: object, last: object) -> None:
    """Refuse a page of rows that does not lead on: the one asked for next would be the same.

    A page of the file that stands in another's place can lead back to where a walk was.

    Raises:
        ArchiveDamaged: ``last`` is not behind ``after``.
    """
    if after is not None and not last > after:  # type: ignore[operator]  # both are one key
        raise ArchiveDamaged("the catalog is damaged: it leads in a circle", hint=REBUILD_HINT)


def _open(path: Path, pragmas: tuple[str, ...]) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)), creator=partial(_connect, path, pragmas)
    )
    event.listen(engine, "begin", _begin)
    return engine


def _connect(path: Path, pragmas: tuple[str, ...]) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=_BUSY_TIMEOUT,
        isolation_level=None,  # sqlite3 must not begin transactions on its own
        check_same_thread=False,  # the pool lends a connection to one thread at a time
    )
    try:
        for pragma in (*pragmas, "trusted_schema=OFF", f"cache_size=-{_CACHE_KIB}"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get("begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")


@contextmanager
def explained_sql(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into an ArchiveError that says what to do."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        explanation = _explain(path, cause)
        if explanation is None:
            raise
        raise explanation from error
    except UnicodeDecodeError as error:  # in what SQLite says of a damaged schema
        raise ArchiveDamaged(f"{path} is damaged: {error}", hint=REBUILD_HINT) from error


def _explain(path: Path, error: object) -> ArchiveError | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says where it happened
    match code:
        case sqlite3.SQLITE_FULL:
            return no_space(path, "no space left on device")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return ArchiveDamaged(f"{path} is damaged: {error}", hint=REBUILD_HINT)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return ArchiveLocked(f"{path} is in use by another process", hint="try again")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return ArchiveError(
                f"{path}: {error}", hint="check the owner and permissions of the archive"
            )
        case sqlite3.SQLITE_IOERR:
            return disk_failed(path, str(error))
    if _UNDECODABLE in str(error):
        return ArchiveDamaged(f"{path} is damaged: {error}", hint=REBUILD_HINT)
    return None


_UNDECODABLE = "Could not decode to UTF-8"

REBUILD_HINT = "make the catalog anew with: mailvault rebuild"
