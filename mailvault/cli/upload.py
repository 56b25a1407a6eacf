"""What ``restore`` and ``migrate`` share: mail that is put on a server, as it was asked for."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailvault import wiring
from mailvault.cli.choices import chosen_read_back
from mailvault.operations.restore_report import MailboxMap, RestoreOptions

if TYPE_CHECKING:
    from mailvault.archive.archive import Archive
    from mailvault.config.model import AccountSettings
    from mailvault.operations.restore_crew import OpenDestination
    from mailvault.operations.selection import Selection
    from mailvault.transport.allowance import Allowance


@dataclass(frozen=True, slots=True)
class TypedUpload:
    """The options that say how mail is put somewhere, as they were typed."""

    mapping: Sequence[str] | None
    rejects: Path | None
    fix: bool
    verify: str
    dry_run: bool


class Upload:
    """Mail on its way to an account."""

    def __init__(self, target: "AccountSettings", typed: TypedUpload) -> None:
        """Raises UsageError for what is no choice."""
        self._target = target
        self._typed = typed
        self._mapping = MailboxMap(typed.mapping or ())
        self._read_back = chosen_read_back(typed.verify)

    @contextmanager
    def target(self) -> "Iterator[OpenDestination]":
        """Give what opens connections to the account. Raises UsageError if it cannot be."""
        with tempfile.TemporaryDirectory(prefix="mailvault-") as folder:
            yield wiring.target_factory(self._target, Path(folder))

    @contextmanager
    def options(
        self,
        archive: "Archive",
        selection: "Selection",
        allowance: "Allowance | None" = None,
    ) -> Iterator[RestoreOptions]:
        """What the operation is told."""
        typed = self._typed
        with (
            wiring.rejects_folder(typed.rejects, archive)
            if typed.rejects is not None and not typed.dry_run
            else nullcontext()
        ) as rejects:
            yield RestoreOptions(
                clock=wiring.SystemClock(),
                selection=selection,
                mapping=self._mapping,
                target_account=self._target.name,
                dry_run=typed.dry_run,
                rejects=rejects,
                fix=typed.fix,
                allowance=allowance,
                read_back=self._read_back,
                connections=self._target.connections,
            )
