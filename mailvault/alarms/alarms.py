"""Listens to what happens and tells somebody, in a thread of its own.

No job waits for it. What is to be told is on disk before it is sent, and struck out after:
a kill between the two costs one repeated alarm, and never a lost one.
"""

import logging
import os
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from time import monotonic

from mailvault.alarms import deciding
from mailvault.alarms.channels import Send, channels_of, ping
from mailvault.alarms.ledger import Letter, Notice
from mailvault.alarms.ledger_file import LedgerFile
from mailvault.alarms.observing import Observation, observed, observed_age
from mailvault.alarms.punctuality import begun, due_since, punctuality_of
from mailvault.clock import SystemClock
from mailvault.config.model import Configuration
from mailvault.errors import ConnectionLost, MailvaultError
from mailvault.operations.ended import Event, RunBegan, RunEnded
from mailvault.operations.freshness import Freshness
from mailvault.operations.roundup import Roundup
from mailvault.ports import Clock

log = logging.getLogger(__name__)

MOST_EVENTS = 10_000
TICK = 10.0
"""Seconds after which letters that nobody took are looked at again."""

AGES_EVERY = 600.0
"""Seconds after which it is looked who had no success for too long, whatever happens."""

PATIENCE = 90.0
"""Seconds for one delivery; then it counts as failed, whatever becomes of it."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the alarms see of the archive: how fresh each account is, and what happened.

    ``ages`` raises MailvaultError; ``survey`` says in its answer what went wrong.
    """

    ages: Callable[[Configuration, Mapping[str, datetime]], list[Freshness]]
    survey: Callable[[Configuration, datetime, datetime], Roundup]
    zone: Callable[[], tzinfo]


class Alarms:
    """The alarms of one configuration at a time; `hear` may be called from any thread."""

    def __init__(
        self,
        configuration: Configuration,
        sight: Sight,
        *,
        is_lasting: bool = False,
        ages_every: float = AGES_EVERY,
        clock: Clock | None = None,
    ) -> None:
        self._sight = sight
        self._ages_every = ages_every
        self._is_lasting = is_lasting
        self._clock = clock or SystemClock()
        self._events: queue.Queue[Event | None] = queue.Queue(MOST_EVENTS)
        self._aged_at = -ages_every
        self._digest_failed_at = -AGES_EVERY
        self._is_ending = False
        self._adopt(configuration)
        self._thread = threading.Thread(target=self._serve, name="alarms", daemon=True)
        self._thread.start()

    def hear(self, event: Event) -> None:
        try:
            self._events.put_nowait(event)
        except queue.Full:
            log.error("so much happens that the alarms do not hear of it")

    def exchange(self, configuration: Configuration) -> None:
        """Go by another configuration from now on."""
        self._adopt(configuration)

    def close(self, seconds: float) -> None:
        """Tell what there is to tell, but for no longer than this."""
        self._is_ending = True
        self._events.put(None)
        self._thread.join(seconds)

    def _adopt(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._channels = channels_of(configuration)
        self._file = LedgerFile(configuration.archive.path, os.environ)
        notify = configuration.notify
        self._policy = deciding.Policy(notify.network_patience, notify.remind_every)
        self._punctuality = punctuality_of(notify, self._sight.zone)

    def _serve(self) -> None:
        while True:
            events = self._next_events()
            try:
                self._work([each for each in events if each is not None])
            except Exception:  # the alarms outlive their bugs, as the daemon does
                log.exception("an alarm failed; this is a bug")
            if None in events:
                return

    def _next_events(self) -> list[Event | None]:
        """All that happened, or nothing after a while."""
        events: list[Event | None] = []
        try:
            events.append(self._events.get(timeout=min(TICK, self._ages_every)))
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            return events

    def _work(self, events: Sequence[Event]) -> None:
        if any(isinstance(each, RunBegan) for each in events) and not _last_ended(events):
            self._ping("start")
        observations = [each for event in events for each in observed(event)]
        is_time = monotonic() - self._aged_at >= self._ages_every or self._is_ending
        if observations or is_time:
            self._note(observations, is_time=is_time)
        if any(isinstance(each, RunEnded) for each in events):
            ending = deciding.ping_of(self._file.load())
            if ending is not None:
                self._ping(ending)
        self._deliver()
        # A command waits for its end, to tell of itself; a daemon has no time then.
        if self._is_lasting is not self._is_ending and self._post_digest():
            self._deliver()

    def _note(self, observations: list[Observation], *, is_time: bool) -> None:
        """Bring the ledger up to date; what is to be told is in its outbox then."""
        now, channels = self._clock.now(), tuple(self._channels)
        with self._file.locked():
            before = self._file.load()
            ledger = deciding.meet(before, self._configuration.accounts, now)
            ledger = begun(ledger, self._punctuality, now)
            if is_time:
                observations = [*observations, *self._aged(ledger.known, now)]
            ledger, notices = deciding.absorb(ledger, observations, self._policy, now)
            ledger, reminders = deciding.remind(ledger, self._policy, now)
            ledger = deciding.post(ledger, [*notices, *reminders], channels)
            if ledger != before:
                self._file.save(replace(ledger, saved=before.saved + 1))

    def _aged(self, known: Mapping[str, datetime], now: datetime) -> list[Observation]:
        self._aged_at = monotonic()
        try:
            ages = self._sight.ages(self._configuration, known)
        except MailvaultError as error:
            log.info("how fresh the accounts are is not known: %s", error)
            return []
        return [observed_age(each, now) for each in ages]

    def _post_digest(self) -> bool:
        """Put the digest into the outbox, if it is due and no other process did."""
        now, wanted = self._clock.now(), self._punctuality
        is_resting = monotonic() - self._digest_failed_at < AGES_EVERY
        if is_resting or due_since(self._file.load(), wanted, now) is None:
            return False
        self._digest_failed_at = monotonic()
        with self._file.locked():
            before = self._file.load()
            since = due_since(before, wanted, now)
            if since is None:
                return False
            roundup = self._sight.survey(self._configuration, since, now)
            ledger = deciding.digest(before, roundup, tuple(self._channels), now)
            is_kept = self._file.save(replace(ledger, saved=before.saved + 1))
            if not is_kept and not self._is_lasting:
                # Nobody would know of it, and every command would send it again.
                self._file.save(replace(before, saved=before.saved + 2))
        self._digest_failed_at = -AGES_EVERY
        return True

    def _ping(self, ending: str) -> None:
        notify = self._configuration.notify
        if notify.ping is None:
            return
        for attempt in range(2):
            error = _tried(lambda: ping(notify, ending))
            if error is None:
                return
            level = logging.WARNING if attempt else logging.INFO
            log.log(level, "ping_url: %s", error)

    def _deliver(self) -> None:
        """Try the letters that are due, unless another process does."""
        with self._file.delivering() as is_ours:
            if not is_ours:
                return
            now, channels = self._clock.now(), tuple(self._channels)
            at_once = self._is_ending and not self._is_lasting
            _, letters = deciding.due_letters(self._file.load(), channels, now, at_once=at_once)
            for letter in letters:
                taken = self._sent(letter)
                self._strike_out(letter, taken)

    def _sent(self, letter: Letter) -> list[str]:
        """Who took it. All channels at once: a slow one delays no other."""
        errors = send_all(
            {name: self._channels[name] for name in letter.channels if name in self._channels},
            letter.notice,
        )
        for name, error in errors.items():
            if error is not None:
                log.warning("the alarm could not be sent by %s: %s", name, error)
        return [name for name, error in errors.items() if error is None]

    def _strike_out(self, letter: Letter, taken: list[str]) -> None:
        now = self._clock.now()
        with self._file.locked():
            ledger = self._file.load()
            ledger, _ = deciding.due_letters(ledger, tuple(self._channels), now)
            ledger = deciding.delivered(ledger, letter.notice.id, taken, now)
            self._file.save(replace(ledger, saved=ledger.saved + 1))


def send_all(channels: "dict[str, Send]", notice: Notice) -> "dict[str, MailvaultError | None]":
    """Send a notice by all channels at the same time; what went wrong with each."""
    errors: dict[str, MailvaultError | None] = {
        name: ConnectionLost(f"nobody took it within {PATIENCE:.0f} s") for name in channels
    }

    def send(name: str) -> None:
        errors[name] = _tried(lambda: channels[name](notice))

    threads = [
        threading.Thread(target=send, args=(name,), name=f"alarm {name}", daemon=True)
        for name in channels
    ]
    for thread in threads:
        thread.start()
    end = monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, end - monotonic()))
    return dict(errors)


def _tried(send: Callable[[], None]) -> MailvaultError | None:
    try:
        send()
    except MailvaultError as error:
        return error
    except Exception as error:  # noqa: BLE001 - its text might hold an address
        log.debug("unexpected while sending an alarm: %s", type(error).__name__)
        return MailvaultError(f"unexpected {type(error).__name__}; this is a bug")
    return None


def _last_ended(events: Sequence[Event]) -> bool:
    ran = [each for each in events if isinstance(each, RunBegan | RunEnded)]
    return bool(ran) and isinstance(ran[-1], RunEnded)
