"""What ``restore`` and ``migrate`` share: mail that is put on a server, as it was asked for."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailvault import wiring
from mailvault.cli.choices import chosen_read_back
from mailvault.housekeeping import bound_heap
from mailvault.operations.restore_report import MailboxMap, RestoreOptions

if TYPE_CHECKING:
    from mailvault.archive.archive import Archive
    from mailvault.config.model import AccountSettings, Configuration
    from mailvault.operations.restore_crew import OpenDestination
    from mailvault.operations.selection import Selection
    from mailvault.ports import Destination
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

    def __init__(
        self, settings: "Configuration", target: "AccountSettings", typed: TypedUpload
    ) -> None:
        """Raises UsageError for what is no choice."""
        self._settings = settings
        self._target = target
        self._typed = typed
        self._mapping = MailboxMap(typed.mapping or ())
        self._read_back = chosen_read_back(typed.verify)

    @contextmanager
    def target(self) -> "Iterator[OpenDestination]":
        """Give what opens connections to the account. Raises UsageError if it cannot be."""
        bound_heap()
        with tempfile.TemporaryDirectory(prefix="mailvault-") as folder:
            yield wiring.target_factory(self._target, Path(folder))

    @contextmanager
    def options(self, archive: "Archive", selection: "Selection") -> Iterator[RestoreOptions]:
        """What the operation is told. How much it sends counts for the account's day."""
        with self._rejects(archive) as rejects, self._allowance(archive) as allowance:
            yield RestoreOptions(
                clock=wiring.SystemClock(),
                selection=selection,
                mapping=self._mapping,
                target_account=self._target.name,
                dry_run=self._typed.dry_run,
                rejects=rejects,
                fix=self._typed.fix,
                allowance=allowance,
                read_back=self._read_back,
                connections=self._target.connections,
            )

    def _rejects(self, archive: "Archive") -> "AbstractContextManager[Destination | None]":
        if self._typed.rejects is None or self._typed.dry_run:
            return nullcontext()
        return wiring.rejects_folder(self._typed.rejects, archive)

    @contextmanager
    def _allowance(self, archive: "Archive") -> "Iterator[Allowance | None]":
        """What was sent before somebody interrupted counts, too."""
        if self._typed.dry_run:
            yield None
            return
        allowance = wiring.upload_allowance(archive, self._target)
        try:
            yield allowance
        finally:
            wiring.note_upload(self._settings, self._target, allowance)
