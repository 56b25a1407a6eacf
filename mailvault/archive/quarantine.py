"""Where broken files are kept that repair took out of the archive. Nothing reads them."""

import os
from itertools import count
from pathlib import Path

FOLDER = "quarantine"


def free_place(archive: Path, name: str) -> Path:
    """A name in the quarantine that nothing has yet. Creates nothing."""
    folder = archive / FOLDER
    for number in count(1):
        place = folder / f"{name}-{number}"
        if not os.path.lexists(place):
            return place
    raise AssertionError("count never ends")
