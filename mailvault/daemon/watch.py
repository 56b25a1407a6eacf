"""Waits for new mail with IDLE (RFC 2177), on connections of its own.

A watch only says that something happened; what it was, the sync finds out. Where a server
has no IDLE it is asked every minute instead. A watch that cannot be kept calls, too: the sync
either brings what the watch does not see, or fails, and its end is what people are told.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from mailvault import wiring
from mailvault.config.model import AccountSettings
from mailvault.errors import LoginRefused, MailvaultError
from mailvault.mail.concern import concerning
from mailvault.mail.globs import MailboxGlobs
from mailvault.transport.imap import ImapClient

log = logging.getLogger(__name__)

RENEWAL = 25 * 60.0
"""Seconds; servers may log out who idles for half an hour (RFC 2177)."""

POLL = 60.0
SETTLE = 3.0
"""Seconds between two calls, so that a burst of mail is one sync and not a hundred."""

PAUSES = (5.0, 15.0, 60.0, 300.0, 900.0)
"""Seconds after the first lost connection in a row, the second, and so on."""

AFTER_REFUSAL = 3600.0
LOST = 4
"""Failures in a row from which on a watch counts as lost; by then, a good minute."""

MOST = 5
"""Mailboxes of one account; each costs the server a connection."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient a watch is; tests are in a hurry."""

    renewal: float = RENEWAL
    poll: float = POLL
    settle: float = SETTLE
    pauses: tuple[float, ...] = PAUSES


class Watch:
    """Watches the chosen mailboxes of one account; ``called`` may be called from any thread."""

    def __init__(
        self, account: AccountSettings, called: Callable[[], None], pace: Pace = Pace()
    ) -> None:
        self.account = account
        self._called = called
        self._pace = pace
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._clients: set[ImapClient] = set()
        self._threads: dict[bytes | None, threading.Thread] = {}

    def start(self) -> None:
        self._watch_in_thread(None)

    def stop(self) -> None:
        """End soon; waits for nothing."""
        self._stopped.set()
        with self._lock:
            for client in self._clients:
                client.interrupt()

    def join(self, seconds: float) -> bool:
        """Wait for the end, at most so long for each mailbox; whether it came."""
        for thread in tuple(self._threads.values()):
            thread.join(seconds)
        return not any(thread.is_alive() for thread in self._threads.values())

    def _watch_in_thread(self, wire_name: bytes | None) -> None:
        thread = threading.Thread(
            target=self._watch_for_account,
            args=(wire_name,),
            name=f"watch {self.account.name}",
            daemon=True,
        )
        self._threads[wire_name] = thread
        thread.start()

    def _watch_for_account(self, wire_name: bytes | None) -> None:
        with concerning(self.account.name):
            self._watch(wire_name)

    def _watch(self, wire_name: bytes | None) -> None:
        """Keep one connection; the first finds the mailboxes, and watches one of them."""
        losses = 0
        while not self._stopped.is_set():
            pause = self._pace.pauses[min(losses, len(self._pace.pauses) - 1)]
            try:
                with self._connected() as client:
                    wire_name = wire_name or self._first(client)
                    if wire_name is None:
                        return
                    client.examine(wire_name)
                    losses = 0
                    self._called()  # something may have come while nobody watched
                    self._listen(client)
            except LoginRefused as error:
                log.warning("%s: is not watched: %s", self.account.name, error)
                pause, losses = max(pause, AFTER_REFUSAL), LOST
            except MailvaultError as error:
                if not self._stopped.is_set():
                    log.info("%s: the watch is lost: %s", self.account.name, error)
            losses += 1
            if losses >= LOST and not self._stopped.is_set():
                self._called()
            self._stopped.wait(pause)

    def _connected(self) -> "_Registered":
        return _Registered(self, wiring.connector(self.account)())

    def _first(self, client: ImapClient) -> bytes | None:
        """The first mailbox to watch; the others get connections of their own."""
        globs = MailboxGlobs(self.account.watch_mailboxes)
        wanted = [
            each.wire_name
            for each in client.list_mailboxes()
            if each.mailbox.is_selectable and globs.matches(each.mailbox.name)
        ]
        if not wanted:
            patterns = " ".join(self.account.watch_mailboxes)
            log.warning("%s: no mailbox to watch matches %s", self.account.name, patterns)
            return None
        if len(wanted) > MOST:
            log.warning("%s: watches %d of %d mailboxes", self.account.name, MOST, len(wanted))
        for wire_name in wanted[1:MOST]:
            if wire_name not in self._threads:
                self._watch_in_thread(wire_name)
        return wanted[0]

    def _listen(self, client: ImapClient) -> None:
        can_idle = "IDLE" in client.capabilities
        if not can_idle:
            log.info("%s: the server has no IDLE, and is asked instead", self.account.name)
        while not self._stopped.is_set():
            if client.idle(self._pace.renewal) if can_idle else self._asked(client):
                self._called()
                self._stopped.wait(self._pace.settle)

    def _asked(self, client: ImapClient) -> bool:
        """Wait, ask, and say whether anything changed."""
        before = (client.exists, client.expunged_since_examine)
        if self._stopped.wait(self._pace.poll):
            return False
        client.noop()
        return before != (client.exists, client.expunged_since_examine)

    def register(self, client: ImapClient) -> None:
        with self._lock:
            self._clients.add(client)
        if self._stopped.is_set():
            client.interrupt()

    def unregister(self, client: ImapClient) -> None:
        with self._lock:
            self._clients.discard(client)


class _Registered:
    """A connection that `Watch.stop` can interrupt."""

    def __init__(self, watch: Watch, client: ImapClient) -> None:
        self._watch = watch
        self._client = client

    def __enter__(self) -> ImapClient:
        self._watch.register(self._client)
        return self._client.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._watch.unregister(self._client)
        if exception[0] is None and not self._watch._stopped.is_set():
            self._client.logout()
        self._client.abort()
