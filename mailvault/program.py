"""The program: the command line, and what runs unattended.

The two rooms are siblings and do not know each other; here the one is handed to the other.
"""

import gc
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mailvault.cli import app
from mailvault.housekeeping import look_seldom

if TYPE_CHECKING:
    from mailvault.daemon.unattended import Unattended


def main() -> None:
    """Run as a program: end with an exit code, and soon when a signal asks for it."""
    look_seldom()
    try:
        app.main(_unattended)
    finally:
        gc.freeze()  # what is left need not be searched for cycles at the very end


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    return app.run(arguments, _unattended)


def _unattended() -> "Unattended":
    from mailvault.daemon.unattended import Unattended

    return Unattended()
