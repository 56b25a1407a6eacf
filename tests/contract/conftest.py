"""Each destination that writes files, and where it writes them."""

from pathlib import Path

import pytest

from tests.contract.folders import (
    KINDS,
    Kind,
)


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "outer" / "export"
