"""After a command that changed the archive: what other programs read is written anew."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailvault.config.model import Configuration


def show_outside(settings: "Configuration") -> None:
    """Write the files that the configuration wants, if any."""
    if settings.metrics.textfile or settings.status.file:
        from mailvault.monitoring.outlets import write_files

        write_files(settings)
