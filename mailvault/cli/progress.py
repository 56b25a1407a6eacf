"""Progress with rate and time left, on a terminal only; rich is imported only there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from mailvault.cli.invocation import invocation
from mailvault.cli.terminal import is_interactive

if TYPE_CHECKING:
    from mailvault.operations.reports import Progress


@contextmanager
def watched(context: typer.Context) -> "Iterator[Progress]":
    """Show progress while the context is open, if a person watches; else be silent."""
    if invocation(context).verbosity < 0 or not is_interactive():
        from mailvault.operations.reports import Silent

        yield Silent()
        return
    from mailvault.cli.progress_bar import ProgressBar

    with ProgressBar() as bar:
        yield bar
