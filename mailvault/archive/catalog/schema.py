"""Makes a catalog, and brings an older one up to the tables of this release.

The revision is compared by one plain SELECT, so Alembic costs nothing while there is
nothing to migrate.
"""

import logging
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import OperationalError

from mailvault.archive import dialect
from mailvault.archive.catalog.tables import alembic_version, journal_position, metadata
from mailvault.archive.journal import Position
from mailvault.errors import ArchiveDamaged, ArchiveError, ArchiveTooNew

log = logging.getLogger(__name__)

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""All revisions in migrations/versions, oldest first. The last one is that of `tables`."""

HEAD = REVISIONS[-1]


def create(engine: Engine, position: Position) -> None:
    """Make all tables in one transaction; a kill leaves an empty database."""
    with dialect.writing(engine) as connection:
        metadata.create_all(connection)
        connection.execute(insert(alembic_version), {"version_num": HEAD})
        connection.execute(insert(journal_position), {"id": 1} | _columns(position))


def write_position(connection: Connection, position: Position) -> None:
    connection.execute(update(journal_position).values(_columns(position)))


def is_current(engine: Engine, path: Path) -> bool:
    """Whether the tables are those of this release.

    Raises:
        ArchiveTooNew: they are those of a later one.
        ArchiveDamaged: there are none.
    """
    revision = _revision(engine, path)
    if revision not in REVISIONS:
        raise ArchiveTooNew(
            f"{path} has catalog revision {revision}, this release knows up to {HEAD}",
            hint="install a newer mailvault; nothing was changed. If no later release was ever"
            f" used here, it is damaged: {dialect.REBUILD_HINT}",
        )
    return revision == HEAD


def migrate(engine: Engine, path: Path) -> None:
    """Bring an older catalog up to date, after a copy of it was put beside it.

    All revisions run in one transaction: a kill leaves the old catalog or the new one.
    """
    old = _revision(engine, path)
    copy = path.with_name(f"{path.stem}-{old}{path.suffix}")
    dialect.remove_database(copy)  # of an upgrade that was killed
    dialect.back_up(engine, copy)
    upgrade(engine)
    log.info("%s: upgraded from revision %s to %s; the old one is %s", path, old, HEAD, copy)


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Run the migrations up to a revision."""
    from alembic import command
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option(
        "script_location", str(migrations_folder()).replace("%", "%%")
    )
    with dialect.writing(engine) as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, revision)


def migrations_folder() -> Path:
    """Inside the package in an installed release, beside it in a checkout."""
    package = Path(__file__).parents[2]
    for folder in (package / "migrations", package.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise ArchiveError(
        f"{package / 'migrations'} is missing: this installation is not complete",
        hint="install mailvault-archive again",
    )


def _revision(engine: Engine, path: Path) -> str:
    try:
        with dialect.explained_sql(path), engine.connect() as connection:
            found = connection.scalar(select(alembic_version.c.version_num))
    except OperationalError as error:  # no such table
        raise ArchiveDamaged(f"{path} is not a catalog", hint=dialect.REBUILD_HINT) from error
    return found or "none"


def _columns(position: Position) -> dict[str, object]:
    return {
        "sequence": position.sequence,
        "chain": position.chain,
        "file": position.file,
        "offset": position.offset,
    }
