"""Info-ZIP's unzip: what most people open a zip file with, and strict about it."""

import os
import shutil
from pathlib import Path

import pytest

from tests.servers.process import run


def unzip(file: Path, folder: Path) -> None:
    """Unpack a zip file. Where there is no unzip, skip, or fail in CI."""
    program = shutil.which("unzip")
    if program is None:
        assert os.environ.get("CI") != "true", "sudo apt-get install unzip"
        pytest.skip("sudo apt-get install unzip")
    run([program, "-q", file, "-d", folder])
