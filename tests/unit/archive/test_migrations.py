"""An older catalog is brought up to date, after a copy was put aside; a newer is refused."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from mailvault.archive import dialect
from mailvault.archive.catalog import schema
from mailvault.archive.journal import Position
from mailvault.errors import ArchiveTooNew
from tests.unit.archive.builders import Work, build_batch, open_again
from tests.unit.archive.tiny_sync import run_traced

Schema = list[tuple[str, str, str]]


def tables(path: Path) -> Schema:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
        ).fetchall()


def revision(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found)


def make_older(path: Path) -> None:
    """Give an archive's catalog the tables of the first revision, with what it had in them."""
    older = path.with_name("older.db")
    dialect.create_database(older)
    engine = dialect.open_writing(older)
    schema.upgrade(engine, schema.REVISIONS[0])
    engine.dispose()
    with closing(sqlite3.connect(older, isolation_level=None)) as connection:
        connection.execute("ATTACH ? AS newer", [str(path)])
        for kind, name, _ in tables(older):
            if kind == "table" and name != "alembic_version":
                connection.execute(f"INSERT INTO main.{name} SELECT * FROM newer.{name}")
    older.replace(path)


@pytest.fixture
def catalog(work: Work) -> Path:
    """The catalog of an archive with some mail, as the first release would have left it."""
    work.sync(build_batch(arrived=[1, 2]), build_batch(expunged=[1]))
    work.archive.close()
    path = work.archive.path / "catalog.db"
    make_older(path)
    return path


def test_all_migrations_make_what_a_new_catalog_is_made_of(tmp_path: Path) -> None:
    for name in ("new.db", "migrated.db"):
        dialect.create_database(tmp_path / name)
    new = dialect.open_writing(tmp_path / "new.db")
    schema.create(new, Position(0, b""))
    new.dispose()
    migrated = dialect.open_writing(tmp_path / "migrated.db")
    schema.upgrade(migrated)
    migrated.dispose()

    assert tables(tmp_path / "migrated.db") == tables(tmp_path / "new.db")
    assert revision(tmp_path / "migrated.db") == revision(tmp_path / "new.db")


def test_the_revisions_named_in_the_program_are_those_that_are_shipped() -> None:
    configuration = Config()
    configuration.set_main_option("script_location", str(schema.migrations_folder()))
    shipped = ScriptDirectory.from_config(configuration).walk_revisions()

    assert [each.revision for each in shipped] == list(reversed(schema.REVISIONS))


def test_an_older_catalog_is_migrated_when_a_writer_opens_it(catalog: Path) -> None:
    with open_again(catalog.parent, writing=True) as archive:
        assert [view.uid for view in archive.catalog.placements()] == [2]
        assert [view.uid for view in archive.catalog.placements(gone=True)] == [1]
        assert archive.catalog.suspicions() == []
        assert list(archive.check()) == []

    assert revision(catalog) == schema.HEAD


def test_an_older_catalog_is_migrated_when_a_reader_opens_it(catalog: Path) -> None:
    with open_again(catalog.parent) as archive:
        assert [view.uid for view in archive.catalog.placements()] == [2]

    assert revision(catalog) == schema.HEAD


def test_a_copy_of_the_older_catalog_is_kept(catalog: Path) -> None:
    before = tables(catalog)

    open_again(catalog.parent, writing=True).close()

    copy = catalog.with_name("catalog-0001.db")
    assert tables(copy) == before
    assert revision(copy) == "0001"
    assert copy.stat().st_mode & 0o777 == 0o600


def test_a_migration_cut_off_leaves_the_older_catalog(
    catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tables(catalog)
    with monkeypatch.context() as patched:
        patched.setattr("alembic.op.create_table", fail_at_second())
        with pytest.raises(KeyboardInterrupt):
            open_again(catalog.parent, writing=True)

    assert tables(catalog) == before
    assert revision(catalog) == "0001"
    with open_again(catalog.parent, writing=True) as archive:
        assert [view.uid for view in archive.catalog.placements()] == [2]


def test_a_migration_killed_anywhere_leaves_the_older_catalog_or_the_newer(
    strace: str, catalog: Path, tmp_path: Path
) -> None:
    newer, kills = "", 0
    while newer != schema.HEAD:
        folder = tmp_path / f"killed-{kills}"
        shutil.copytree(catalog.parent, folder)
        injection = f"fdatasync:signal=SIGKILL:when={kills + 1}"
        ended = run_traced(strace, injection, folder, lambda path, _: open_for_writing(path))
        newer = revision(folder / "catalog.db") if ended.status == 0 else ""
        kills += 1

        with open_again(folder, writing=True) as archive:
            assert [view.uid for view in archive.catalog.placements()] == [2]
            assert list(archive.check()) == []
        assert revision(folder / "catalog.db") == schema.HEAD
    assert kills > 3


def open_for_writing(folder: Path) -> None:
    open_again(folder, writing=True).close()


def fail_at_second() -> Callable[..., None]:
    from alembic import op

    create_table = op.create_table

    def create(name: str, *columns: object, **options: object) -> None:
        if name == "suspicion":
            raise KeyboardInterrupt
        create_table(name, *columns, **options)  # type: ignore[arg-type]  # as it was called

    return create


@pytest.mark.parametrize("writing", [False, True], ids=["reading", "writing"])
def test_a_newer_catalog_is_refused_and_left_alone(work: Work, writing: bool) -> None:
    work.sync(build_batch(arrived=[1]))
    work.archive.close()
    catalog = work.archive.path / "catalog.db"
    with closing(sqlite3.connect(catalog, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = catalog.read_bytes()

    with pytest.raises(ArchiveTooNew, match="catalog revision 9999") as caught:
        open_again(work.archive.path, writing=writing)

    assert str(caught.value.hint).startswith("install a newer mailvault; nothing was changed")
    assert catalog.read_bytes() == before
    assert not list(work.archive.path.glob("catalog-*.db"))


def test_alembic_is_not_loaded_for_a_catalog_that_is_up_to_date(work: Work) -> None:
    work.archive.close()
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from tests.unit.archive.builders import open_again\n"
        f"open_again(Path({str(work.archive.path)!r}), writing=True).close()\n"
        "print(sorted({'alembic', 'sqlalchemy.orm'} & set(sys.modules)))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"
