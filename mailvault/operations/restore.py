"""Put mail back on a server: whole, once, and nothing else there is touched."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mailvault.archive.archive import Archive
from mailvault.errors import UsageError
from mailvault.operations.reports import Progress
from mailvault.operations.restore_report import RestoreOptions, RestoreReport

if TYPE_CHECKING:
    from mailvault.ports import RemoteDestination


def restore(
    archive: Archive,
    account: str,
    open_destination: "Callable[[], RemoteDestination]",
    options: RestoreOptions,
    progress: Progress,
) -> RestoreReport:
    """Append to the target what the archive holds of ``account`` and the target does not.

    ``open_destination`` makes one connection after another. Repeating it adds nothing.
    What goes wrong with a message or a mailbox stands in the report.

    Raises:
        SourceError: the target cannot be reached, or does not accept the login.
    """
    del archive, account, open_destination, options, progress
    raise UsageError("restore is not there yet")
