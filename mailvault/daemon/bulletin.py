"""What a running daemon shows: its files, written when something happens, and its page.

Neither takes the archive's lock, and neither makes a job wait: a thread of its own writes
the files, and the page reads the archive at most so often.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from threading import Condition, Lock, Thread
from typing import TYPE_CHECKING, Self

from mailvault import wiring
from mailvault.config.model import Configuration
from mailvault.errors import MailvaultError
from mailvault.monitoring.outlets import has_files, write_files
from mailvault.monitoring.overview import Overview, read_overview
from mailvault.monitoring.tally import Tally
from mailvault.operations.ended import Event, Trouble
from mailvault.schedule.due import Job

if TYPE_CHECKING:
    from mailvault.daemon.page import Page

log = logging.getLogger(__name__)

Address = tuple[str, int]

LEAST_PAUSE = 15.0
"""Seconds for which the page tells what it read, however often it is asked."""

LAST_WORDS = 1.0
"""Seconds that the end of the daemon waits for the last files."""

UNHURRIED = 60.0
"""The same for a program that nobody waits for."""

ChooseAddress = Callable[[Configuration], Address | None]


class Bulletin:
    """Implements `ended.Listener`. A context manager.

    ``choose`` says where a configuration wants the page, if anywhere.
    """

    def __init__(
        self,
        configuration: Configuration,
        choose: ChooseAddress = lambda _: None,
        *,
        patience: float = UNHURRIED,
    ) -> None:
        self._configuration = configuration
        self._choose = choose
        self._patience = patience
        self._tally = Tally()
        self._page: Page | None = None
        self._glance = Glance(lambda: read_overview(self._configuration))
        self._changed = Condition()
        self._is_stale = False
        self._is_over = False
        self._writer = Thread(target=self._write, name="bulletin", daemon=True)

    def open(self) -> None:
        """Begin. Raises UsageError where the page cannot be served."""
        self._open_page()
        self._writer.start()
        self._mark()

    def follow(self, configuration: Configuration) -> None:
        """Show what another configuration wants shown; a page that cannot move stays."""
        before, self._configuration = self._configuration, configuration
        if before is configuration:
            return
        self._glance.forget()
        self._mark()
        if self._choose(before) == self._choose(configuration):
            return
        try:
            self._open_page()
        except MailvaultError as error:
            log.error("the metrics stay where they are: %s", error)

    def __call__(self, event: Event) -> None:
        self._tally(event)
        if not isinstance(event, Trouble):
            self._glance.forget()
            self._mark()

    def close(self) -> None:
        """Write the files a last time, and stop."""
        with self._changed:
            self._is_over = self._is_stale = True
            self._changed.notify()
        if self._writer.is_alive():
            self._writer.join(self._patience)
        if self._page is not None:
            self._page.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open_page(self) -> None:
        address = self._choose(self._configuration)
        page = None
        if address is not None:
            from mailvault.daemon.page import Page

            page = Page(address, self._glance.overview, self._tally)
        if self._page is not None:
            self._page.close()
        self._page = page

    def _mark(self) -> None:
        with self._changed:
            self._is_stale = True
            self._changed.notify()

    def _write(self) -> None:
        """Write the files whenever something has happened; several things are one."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_stale)
                self._is_stale = False
                is_over = self._is_over
            self._write_once({} if is_over else self._tally.count().running)
            if is_over:
                return

    def _write_once(self, running: Mapping[Job, datetime]) -> None:
        if not has_files(self._configuration):
            return
        try:
            write_files(self._configuration, running)
        except Exception:  # what is shown must not end what is done
            log.exception("the files for monitoring could not be written")


class Glance:
    """An overview that is read anew when it is old, or something happened since."""

    def __init__(self, read: Callable[[], Overview]) -> None:
        self._read = read
        self._clock = wiring.SystemClock()
        self._reading = Lock()
        self._seen: Overview | None = None
        self._seen_at = 0.0
        self._news = 0
        self._seen_news = 0

    def overview(self) -> Overview:
        """What is known at most so many seconds ago. Raises MailvaultError."""
        with self._reading:
            now, news = self._clock.monotonic(), self._news
            is_old = now - self._seen_at > LEAST_PAUSE or news != self._seen_news
            if self._seen is None or is_old:
                self._seen, self._seen_at, self._seen_news = self._read(), now, news
            return replace(self._seen, now=self._clock.now())

    def forget(self) -> None:
        """Something happened. Never waits for a reader."""
        self._news += 1
