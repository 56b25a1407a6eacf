"""Paths as the disk has them, wherever links lead to."""

import os
from pathlib import Path


def real(path: Path) -> Path:
    """`Path.resolve` raises for links that lead in a circle, before Python 3.13."""
    return Path(os.path.realpath(path))


def within(path: Path, folder: Path) -> bool:
    """Whether it is the folder or lies in it."""
    return real(path).is_relative_to(real(folder))
