"""The bar itself: what is worked on, how fast, and how long it will take."""

from threading import Lock
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from mailvault.cli.render import size_text
from mailvault.cli.terminal import padded, printable, shortened
from mailvault.mail.model import MailboxName

NAME_WIDTH = 30


class ProgressBar:
    """Implements `operations.reports.Progress`. Its lines vanish when it is left."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.completed:,.0f} messages", markup=False),
            TextColumn("{task.fields[octets]} {task.fields[rate]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            transient=True,
            refresh_per_second=5,
        )
        self._task = self._bar.add_task("", total=None, octets="", rate="")
        self._lock = Lock()
        self._expected = 0
        self._stored = 0
        self._octets = 0

    def __enter__(self) -> "ProgressBar":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def expect(self, messages: int) -> None:
        with self._lock:
            self._expected += messages
        self._bar.update(self._task, total=self._total())

    def mailbox(
        self,
        account: str,
        name: MailboxName,
        messages: int | None,  # noqa: ARG002 - `expect` told of all of them at once
    ) -> None:
        shown = shortened(printable(f"{account} {name}"), NAME_WIDTH)
        self._bar.update(self._task, description=padded(shown, NAME_WIDTH))

    def stored(self, messages: int, octets: int) -> None:
        with self._lock:
            self._stored += messages
            self._octets += octets
        elapsed = self._bar.tasks[self._task].elapsed or 0.0
        self._bar.update(
            self._task,
            advance=messages,
            total=self._total(),
            octets=size_text(self._octets),
            rate=f"{size_text(int(self._octets / elapsed))}/s" if elapsed > 1 else "",
        )

    def done(self, account: str, name: MailboxName) -> None:
        pass

    def _total(self) -> int | None:
        """What was announced was a guess: the bar never goes beyond its end."""
        return max(self._expected, self._stored) or None
