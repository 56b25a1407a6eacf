"""Prometheus' own checker."""

import os

import pytest

from tests.servers.process import ServerUnavailable
from tests.servers.promtool import Promtool


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    try:
        return Promtool()
    except ServerUnavailable as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
