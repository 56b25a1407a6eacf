"""Looks at an archive's folder without taking its lock, however broken it is.

What `Archive.open` would bring in order - an older catalog, a torn journal - is only told.
"""

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from mailvault.archive import dialect
from mailvault.archive.catalog import schema
from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.identity import require_identity
from mailvault.archive.journal import TornTail
from mailvault.archive.layout import Layout, open_content, tmp_folder
from mailvault.archive.lock import LEASE, LOCK
from mailvault.archive.private import explained
from mailvault.archive.proofs import read_coverage
from mailvault.errors import ArchiveError

QUICK = 256 << 20
"""Octets of a catalog above which reading all of it is left to `verify`."""

MOST_ENTRIES = 2000
TELLING_OPTIONS = (
    "THREADSAFE",
    "ENABLE_FTS5",
    "SECURE_DELETE",
    "DEFAULT_",
    "MAX_VARIABLE",
    "OMIT_",
)


@dataclass(frozen=True, slots=True)
class Contents:
    """What the catalog, the content and the end of the journal say.

    Of a catalog that is not ``is_current`` nothing else is known.
    """

    store: str
    is_current: bool = True
    messages: int = 0
    octets: int = 0
    stored_octets: int = 0
    runs: int = 0
    last_run: datetime | None = None
    never_verified: int = 0
    grows_since: datetime | None = None
    grown_octets: int = 0
    untold_groups: int = 0
    has_torn_tail: bool = False
    faults: tuple[str, ...] = ()
    is_checked: bool = False


def sqlite_facts() -> tuple[str, list[str]]:
    """The release of SQLite, and those of its compile-time options that matter."""
    with sqlite3.connect(":memory:") as database:
        options = [str(row[0]) for row in database.execute("PRAGMA compile_options")]
    database.close()
    return sqlite3.sqlite_version, [o for o in options if o.startswith(TELLING_OPTIONS)]


def read_contents(path: Path, since: datetime) -> Contents:
    """Read what can be read quickly. ``since``: growth before that is of no interest.

    Raises:
        ArchiveMissing, ArchiveTooNew, ArchiveDamaged, ArchiveError
    """
    with explained(path):
        layout = Layout(path, require_identity(path))
        if dialect.is_absent(layout.catalog):
            raise ArchiveError(f"{layout.catalog} is missing", hint=dialect.REBUILD_HINT)
        engine = dialect.open_reading(layout.catalog)
        try:
            if not schema.is_current(engine, layout.catalog):
                return Contents(layout.identity.store, is_current=False)
            return _read(layout, Catalog(layout.catalog, engine), since)
        finally:
            engine.dispose()


def _read(layout: Layout, catalog: Catalog, since: datetime) -> Contents:
    with dialect.explained_sql(layout.catalog):
        status = catalog.status()
        is_checked = layout.catalog.stat().st_size <= QUICK
        last = next(iter(catalog.runs(limit=1)), None)
        grows_since, grown = catalog.growth(since)
        groups, has_torn_tail = _untold(layout, catalog)
        content = open_content(layout)
        try:
            stored = content.stored_octets()
        finally:
            content.close()
        return Contents(
            store=layout.identity.store,
            messages=status.messages,
            octets=status.octets,
            stored_octets=stored,
            runs=last.run if last else 0,
            last_run=last.started_at if last else None,
            never_verified=read_coverage(catalog).never,
            grows_since=grows_since,
            grown_octets=grown,
            untold_groups=groups,
            has_torn_tail=has_torn_tail,
            faults=tuple(catalog.faults()) if is_checked else (),
            is_checked=is_checked,
        )


def _untold(layout: Layout, catalog: Catalog) -> tuple[int, bool]:
    """Groups behind what the catalog was told, and whether the journal ends in rubbish."""
    groups, has_torn_tail = 0, False
    for each in layout.journal.groups(after=catalog.position()):
        has_torn_tail = has_torn_tail or isinstance(each, TornTail)
        groups += not isinstance(each, TornTail)
    return groups, has_torn_tail


def holders(path: Path) -> dict[str, int | None]:
    """The processes that hold the archive's lock and the lease of its schedules.

    Asked of the kernel, since trying a lock would turn others away for a moment.
    """
    return {name: _holder(path / name) for name in (LOCK, LEASE)}


def _holder(file: Path) -> int | None:
    try:
        inode = file.stat().st_ino
        locks = Path("/proc/locks").read_text()
    except OSError:
        return None
    for line in locks.splitlines():
        words = line.split()
        if "FLOCK" in words and "->" not in words and words[5].endswith(f":{inode}"):
            return int(words[4])
    return None


def leftovers(path: Path) -> int:
    """Files in the folder for temporary ones."""
    with suppress(OSError):
        return len(os.listdir(tmp_folder(path)))  # noqa: PTH208 - how many, not which
    return 0


def exposed(path: Path) -> Iterator[tuple[Path, str]]:
    """Files and folders of which others than the owner see more than they should."""
    for number, entry in enumerate(_entries(path)):
        if number > MOST_ENTRIES:
            return
        with suppress(FileNotFoundError):
            status = entry.lstat()
            if stat.S_ISLNK(status.st_mode):
                continue
            if status.st_mode & 0o077:
                yield entry, f"has mode {stat.S_IMODE(status.st_mode):04o}"
            if status.st_uid != os.geteuid() and os.geteuid() != 0:
                yield entry, f"belongs to user {status.st_uid}"


def _entries(path: Path) -> Iterator[Path]:
    yield path
    for entry in sorted(path.iterdir()):
        yield entry
        if entry.is_dir() and not entry.is_symlink():
            yield from entry.iterdir()


def abilities(path: Path) -> dict[str, bool]:
    """What the file system can do of that on which safety depends; empty if unknown."""
    found: dict[str, bool] = {}
    try:
        with TemporaryDirectory(prefix="doctor-", dir=tmp_folder(path)) as folder:
            first, second = Path(folder, "a"), Path(folder, "b")
            found["fsync"] = _can(lambda: _write_durably(first))
            found["rename"] = _can(lambda: first.rename(second))
            found["hard links"] = _can(lambda: first.hardlink_to(second))
    except OSError:  # it is read-only, or a writer has swept the folder meanwhile
        return found
    return found


def _can(act: Callable[[], object]) -> bool:
    try:
        act()
    except OSError:
        return False
    return True


def _write_durably(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"doctor")
        file.flush()
        os.fsync(file.fileno())
