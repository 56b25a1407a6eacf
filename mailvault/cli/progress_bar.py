"""The bar itself: what is worked on, how fast, and how long it will take."""

from threading import Lock
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from mailvault.cli.render import size_text
from mailvault.cli.terminal import printable, shortened
from mailvault.mail.model import MailboxName

NAME_WIDTH = 30


class ProgressBar:
    """Implements `operations.reports.Progress`. Its lines vanish when it is left."""

    def __init__(self, total: int | None = None) -> None:
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
        self._total = total
        self._task = self._bar.add_task("", total=total, octets="", rate="")
        self._lock = Lock()
        self._open: dict[tuple[str, MailboxName], int] = {}
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

    def mailbox(self, account: str, name: MailboxName, messages: int | None) -> None:
        with self._lock:
            self._open[account, name] = messages or 0
        shown = shortened(printable(f"{account} {name}"), NAME_WIDTH)
        self._bar.update(
            self._task, description=shown.ljust(NAME_WIDTH), total=self._expected()
        )

    def stored(self, messages: int, octets: int) -> None:
        with self._lock:
            self._stored += messages
            self._octets += octets
        elapsed = self._bar.tasks[self._task].elapsed or 0.0
        self._bar.update(
            self._task,
            advance=messages,
            total=self._expected(),
            octets=size_text(self._octets),
            rate=f"{size_text(int(self._octets / elapsed))}/s" if elapsed > 1 else "",
        )

    def done(self, account: str, name: MailboxName) -> None:
        with self._lock:
            self._open.pop((account, name), None)
        self._bar.update(self._task, total=self._expected())

    def _expected(self) -> int | None:
        """How many messages there will be, as far as the open mailboxes tell."""
        if self._total is not None:
            return self._total
        with self._lock:
            return max(self._stored, sum(self._open.values())) if self._open else self._stored
