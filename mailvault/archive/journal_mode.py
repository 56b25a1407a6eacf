"""How SQLite must write so that a committed transaction survives the loss of power."""

from dataclasses import dataclass

SqliteVersion = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class JournalMode:
    """Values of the pragmas ``journal_mode`` and ``synchronous``."""

    journal_mode: str
    synchronous: str


ROLLBACK_JOURNAL = JournalMode("DELETE", "EXTRA")
WRITE_AHEAD_LOG = JournalMode("WAL", "FULL")


def journal_mode_for(version: SqliteVersion) -> JournalMode:
    """Choose the journal for a release of SQLite, given ``sqlite3.sqlite_version_info``.

    Releases before 3.51.3 can lose a committed transaction of a write-ahead log
    (https://sqlite.org/wal.html, "The WAL-Reset Bug"); 3.50.7 and 3.44.6 have the fix too.
    """
    is_fixed = (
        version >= (3, 51, 3)
        or (3, 50, 7) <= version < (3, 51, 0)
        or (3, 44, 6) <= version < (3, 45, 0)
    )
    return WRITE_AHEAD_LOG if is_fixed else ROLLBACK_JOURNAL
