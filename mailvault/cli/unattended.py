"""What the command line needs of the room that runs unattended, which it does not know.

`mailvault.program` hands it in: the two rooms are siblings.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

import typer

from mailvault.errors import UsageError

if TYPE_CHECKING:
    from mailvault.config.model import Configuration
    from mailvault.operations.ended import RunEnded
    from mailvault.operations.reports import Progress


class Unattended(Protocol):
    def serve(
        self, configuration: "Configuration", metrics: tuple[str, int] | None = None
    ) -> None:
        """Be the daemon until a signal ends it; ``metrics`` is where Prometheus asks."""
        ...

    def run_due(self, configuration: "Configuration", progress: "Progress") -> "list[RunEnded]":
        """Do once what is due."""
        ...

    def describe_service(
        self, configuration: "Configuration", way: str, *, is_user: bool
    ) -> str:
        """The text of what `install_service` would write."""
        ...

    def can_install_service(self, way: str) -> bool:
        """Whether this machine has what it would be installed into."""
        ...

    def install_service(
        self, configuration: "Configuration", way: str, *, is_user: bool
    ) -> list[str]:
        """Install it; what was done, in lines."""
        ...

    def uninstall_service(self, way: str, *, is_user: bool) -> list[str]:
        """Remove it; what was done, in lines."""
        ...


Opened: TypeAlias = Callable[[], Unattended]
"""Loads that room when a command needs it."""


def unattended(context: typer.Context) -> Unattended:
    from mailvault.cli.invocation import invocation

    opened = invocation(context).unattended
    if opened is None:
        raise UsageError(
            "this program was started without the room that runs unattended",
            hint="start it as mailvault",
        )
    return opened()
