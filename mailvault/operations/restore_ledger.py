"""What a restore has done so far, gathered from all its connections."""

import logging
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from mailvault.archive.catalog.views import PlacementView
from mailvault.errors import DestinationError, MailvaultError
from mailvault.mail.model import Digest, Flag, Flags, MailboxName, Octets
from mailvault.operations.reports import Progress
from mailvault.operations.restore_plan import Move, Task
from mailvault.operations.restore_report import (
    Alteration,
    FlagsCut,
    Refusal,
    RestoredMailbox,
    RestoreReport,
)
from mailvault.ports import Destination

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Tally:
    """The numbers of one mailbox of the archive."""

    present: int = 0
    appended: int = 0
    octets: int = 0
    refused: int = 0
    seconds: float = 0.0
    error: MailvaultError | None = None


@dataclass(slots=True)
class _Cut:
    flags: set[Flag] = field(default_factory=set)
    messages: int = 0


class Ledger:
    """Every method may be called from any thread."""

    def __init__(self, account: str, progress: Progress, rejects: Destination | None) -> None:
        self.read_back = 0
        self._account = account
        self._progress = progress
        self._rejects = rejects
        self._lock = threading.Lock()
        self._tallies: dict[MailboxName, Tally] = defaultdict(Tally)
        self._refusals: list[Refusal] = []
        self._alterations: list[Alteration] = []
        self._cuts: dict[MailboxName, _Cut] = defaultdict(_Cut)
        self._notes: dict[str, None] = {}
        self._faults: Counter[str] = Counter()

    def begin(self, move: Move) -> None:
        with self._lock:
            for name in move.names:
                self._progress.mailbox(self._account, name, None)

    def end(self, move: Move, seconds: float, error: MailvaultError | None = None) -> None:
        with self._lock:
            for name in move.names:
                self._tallies[name].seconds += seconds
                self._tallies[name].error = error
                self._progress.done(self._account, name)

    def present(self, view: PlacementView) -> None:
        with self._lock:
            self._tallies[view.mailbox].present += 1
            self._progress.stored(1, view.size)

    def appended(self, view: PlacementView) -> None:
        with self._lock:
            tally = self._tallies[view.mailbox]
            tally.appended += 1
            tally.octets += view.size
            self._progress.stored(1, view.size)

    def refused(
        self,
        view: PlacementView,
        reason: str,
        octets: Octets | None,
        *,
        is_damage: bool = False,
    ) -> None:
        """Note it, and put the message where rejects go."""
        log.warning("%s: %s was refused: %s", view.mailbox, view.digest, reason)
        with self._lock:
            self._tallies[view.mailbox].refused += 1
            self._refusals.append(Refusal(view.digest, view.mailbox, reason, is_damage))
            self._progress.stored(1, view.size)
            if self._rejects is None or octets is None:
                return
            try:
                self._rejects.append(
                    view.mailbox, octets, flags=view.flags, internal_date=view.internal_date
                )
            except DestinationError as error:
                self._notes[f"a refused message could not be written: {error}"] = None

    def cut(self, view: PlacementView, flags: Flags) -> None:
        """The target does not keep these flags of the message."""
        if flags:
            with self._lock:
                cut = self._cuts[view.mailbox]
                cut.flags |= flags
                cut.messages += 1

    def altered(
        self, digest: Digest, mailbox: MailboxName, how: str, *, is_known: bool
    ) -> None:
        with self._lock:
            self._alterations.append(Alteration(digest, mailbox, how, is_known))

    def checked(self, messages: int) -> None:
        with self._lock:
            self.read_back += messages

    def note(self, text: str) -> None:
        with self._lock:
            self._notes[text] = None

    def fault(self, text: str) -> None:
        """Something that some servers refuse; said once, with how often."""
        with self._lock:
            self._faults[text] += 1

    def report(
        self, tasks: list[Task], *, is_dry_run: bool, error: MailvaultError | None
    ) -> RestoreReport:
        with self._lock:
            return RestoreReport(
                tuple(self._mailbox(name, task) for task in tasks for name in task.move.names),
                tuple(self._refusals),
                tuple(self._alterations),
                tuple(
                    FlagsCut(name, frozenset(cut.flags), cut.messages)
                    for name, cut in self._cuts.items()
                ),
                (*self._notes, *(_counted(*each) for each in self._faults.items())),
                self.read_back,
                is_dry_run,
                error,
            )

    def _mailbox(self, name: MailboxName, task: Task) -> RestoredMailbox:
        tally = self._tallies[name]
        return RestoredMailbox(
            name,
            None if task.place.path is None else task.place.name,
            tally.present,
            tally.appended,
            tally.octets,
            tally.refused,
            tally.seconds,
            tally.error,
        )


def _counted(text: str, count: int) -> str:
    return f"{count} message{'s' if count > 1 else ''}: {text}, which some servers refuse"
