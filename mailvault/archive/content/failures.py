"""What SQLite and the system report, said in the words of mailvault.errors."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailvault.archive.private import disk_failed, explain, no_space
from mailvault.errors import ArchiveDamaged, ArchiveError, ArchiveLocked

_VERIFY_HINT = "see what it concerns with: mailvault verify --quick"


@contextmanager
def explained_volume(path: Path) -> Iterator[None]:
    """Turn failures of a volume into an ArchiveError that says what to do."""
    try:
        yield
    except OSError as error:
        raise explain(path, error) from error
    except sqlite3.Error as error:
        raise _explain(path, error) from error
    except UnicodeDecodeError as error:  # in what SQLite says of a damaged schema
        raise ArchiveDamaged(f"{path} is damaged: {error}", hint=_VERIFY_HINT) from error


def _explain(path: Path, error: sqlite3.Error) -> ArchiveError:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return ArchiveDamaged(f"{path} is damaged: {error}", hint=_VERIFY_HINT)
    match code & 0xFF:  # the rest says where in SQLite it happened
        case sqlite3.SQLITE_FULL:
            return no_space(path, "no space left on device")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return ArchiveLocked(f"{path} is in use by another process", hint="try again")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return ArchiveError(
                f"{path}: {error}", hint="check the owner and permissions of the archive"
            )
        case sqlite3.SQLITE_IOERR:
            return disk_failed(path, str(error))
        case sqlite3.SQLITE_NOMEM:
            return ArchiveError(f"{path}: {error}")
    return ArchiveDamaged(f"{path} is damaged: {error}", hint=_VERIFY_HINT)
