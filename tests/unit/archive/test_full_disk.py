"""A full disk or quota is told as such, wherever in SQLite it is met."""

import shutil
from pathlib import Path

import pytest

from tests.unit.archive.builders import create, open_again
from tests.unit.archive.tiny_sync import run_traced, tiny_sync


@pytest.mark.parametrize("error", ["EDQUOT", "ENOSPC"])
@pytest.mark.parametrize(
    ("calls", "places"), [("pwrite64", (2, 9, 20)), ("pwrite64,fsync,fdatasync", (3, 12))]
)
def test_a_full_disk_ends_with_21_and_costs_nothing(
    strace: str, tmp_path: Path, error: str, calls: str, places: tuple[int, ...]
) -> None:
    create(tmp_path / "new").close()
    failures = 0
    for place in places:
        folder = tmp_path / f"full-{place}"
        shutil.copytree(tmp_path / "new", folder)

        ended = run_traced(strace, f"{calls}:error={error}:when={place}+", folder)

        assert ended.status in (0, 21)
        failures += ended.status == 21
        with open_again(folder, writing=True) as archive:
            tiny_sync(archive)
            assert list(archive.check()) == []
    assert failures
