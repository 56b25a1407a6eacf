"""A catalog can be told again as records, which make an equal catalog."""

from pathlib import Path

import pytest

from mailvault.archive import dialect
from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.catalog.comparison import differences
from mailvault.archive.journal import beginning
from mailvault.archive.retelling import retell
from tests.unit.archive.builders import Work, create
from tests.unit.archive.random_history import RandomHistory
from tests.unit.archive.test_rebuild import eventful


def differences_of(catalog: Catalog, path: Path) -> list[str]:
    """Tell a catalog again to another one, and say where that is not the same."""
    dialect.create_database(path)
    with Catalog(path, dialect.open_scratch(path)) as other:
        start = beginning("a")
        other.create(start)
        for _, records in retell(catalog):
            other.apply(records, start, {})
        return list(differences(catalog, other))


def test_something_of_every_kind_is_told_again(work: Work, tmp_path: Path) -> None:
    eventful(work)

    assert differences_of(work.archive.catalog, tmp_path / "again.db") == []


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.torture) for seed in range(1, 12))]
)
def test_a_long_history_is_told_again(tmp_path: Path, seed: int) -> None:
    with create(tmp_path / "archive") as archive:
        history = RandomHistory(archive, seed)
        for _ in range(12):
            history.run()

        assert differences_of(archive.catalog, tmp_path / "again.db") == []


def test_an_empty_catalog_is_told_in_no_words(work: Work) -> None:
    assert list(retell(work.archive.catalog)) == []


def test_catalogs_that_differ_are_told_apart(work: Work, tmp_path: Path) -> None:
    eventful(work)
    with create(tmp_path / "other") as other:
        found = list(differences(work.archive.catalog, other.catalog))

    assert {each.partition(":")[0] for each in found} >= {"run", "placement", "debt", "job"}
