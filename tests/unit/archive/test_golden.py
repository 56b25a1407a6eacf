"""Archives that earlier code wrote are opened, brought up to date, verified and read."""

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from mailvault.archive.archive import Archive
from mailvault.archive.catalog import schema
from mailvault.archive.rebuild import rebuild_catalog
from mailvault.operations.verify import verify
from tests.golden.make import Clock, expectation, message
from tests.unit.archive.builders import Work, build_batch
from tests.unit.archive.test_migrations import revision
from tests.unit.archive.test_structure import facts

GOLDEN = Path(__file__).parents[2] / "golden"
NAMES = sorted(path.name.removesuffix(".tar.xz") for path in GOLDEN.glob("*.tar.xz"))


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def folder(name: str, tmp_path: Path) -> Path:
    """The archive as it lay on the disk then."""
    with tarfile.open(GOLDEN / f"{name}.tar.xz") as tar:
        if hasattr(tarfile, "data_filter"):  # from 3.11.4
            tar.extractall(tmp_path, filter="data")
        else:
            tar.extractall(tmp_path)
    return tmp_path / "archive"


def expected(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    return content


def open_now(folder: Path, *, writing: bool = False) -> Archive:
    return Archive.open(folder, writing=writing, clock=Clock())


def test_there_is_one_of_each_revision() -> None:
    made = {name.rpartition("-")[2] for name in NAMES if "catalog" in name}

    assert made >= set(schema.REVISIONS) - {"0001", schema.HEAD}
    assert any("maildir" in name for name in NAMES)


def test_it_says_what_it_said_then(folder: Path, name: str) -> None:
    with open_now(folder) as archive:
        assert json.loads(json.dumps(expectation(archive))) == expected(name)

    assert revision(folder / "catalog.db") == schema.HEAD


def test_every_message_is_given_back_and_nothing_is_wrong(folder: Path, name: str) -> None:
    uids = {each["digest"]: each["uid"] for each in expected(name)["run 1"]}
    with open_now(folder) as archive:
        report = verify(archive)
        assert (report.checked, report.findings) == (len(list(archive.catalog.digests())), ())
        for digest in archive.catalog.digests():
            if str(digest) in uids:
                assert archive.content.get(digest) == message(uids[str(digest)])


def test_its_catalog_is_made_again_from_its_journal(folder: Path) -> None:
    open_now(folder, writing=True).close()
    before = facts(folder)
    shutil.copy(folder / "catalog.db", folder.parent)

    rebuild_catalog(folder, clock=Clock())

    assert facts(folder) == before


def test_runs_go_on_in_it(folder: Path) -> None:
    with open_now(folder, writing=True) as archive:
        work = Work(archive, 1)
        work.sync(build_batch(70, arrived=[100]))

        assert 100 in work.uids()
        assert list(archive.check()) == []
