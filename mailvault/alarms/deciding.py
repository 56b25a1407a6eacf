"""Decides who is told what: once per trouble, and once when it is over. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from mailvault.alarms.ledger import Event, Kind, Ledger, Letter, Notice, OpenTrouble
from mailvault.alarms.observing import Observation
from mailvault.alarms.roundup_wording import summary
from mailvault.operations.roundup import Roundup

KEPT_LETTERS = 100
KEPT_FOR = timedelta(days=7)
QUIETLY_OPEN = frozenset({Kind.OWED})
"""A ping would say fail for years because of one message that its server cannot read."""

_EVENTS = {Kind.SUSPICION: Event.SUSPICION, Kind.NEEDS_LOGIN: Event.NEEDS_LOGIN}
_LOGINS = frozenset({Kind.LOGIN, Kind.NEEDS_LOGIN})
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the configuration says of it; in seconds."""

    network_patience: float = 0.0
    remind_every: float | None = None


def absorb(
    ledger: Ledger, observations: Iterable[Observation], policy: Policy, now: datetime
) -> tuple[Ledger, list[Notice]]:
    """Take note of what was observed; give what has to be told of it."""
    troubles, notices = dict(ledger.troubles), []
    for each in observations:
        old = troubles.pop(each.key, None)
        if each.trouble is None:
            if old is not None and old.owes_recovery:
                notices.append(_recovery(old, now))
            continue
        found = each.trouble if old is None else _continued(old, each)
        if found.told_at is None and _is_ripe(found, policy, now):
            found = replace(found, told_at=now, owes_recovery=True)
            notices.append(_alarm(found, now))
        troubles[each.key] = found
    return replace(ledger, troubles=troubles), notices


def _continued(old: OpenTrouble, seen: Observation) -> OpenTrouble:
    """The trouble as it is now; untold if it is news."""
    new = seen.trouble
    assert new is not None
    if seen.goes_on and (new.kind is old.kind or {new.kind, old.kind} <= _LOGINS):
        return old
    if new.kind is old.kind:
        is_news = not new.parts <= old.parts
        told_at = None if is_news else old.told_at
        return replace(
            new,
            since=old.since,
            told_at=told_at,
            owes_recovery=old.owes_recovery,
            parts=old.parts | new.parts,
        )
    return replace(new, owes_recovery=old.owes_recovery)


def _is_ripe(trouble: OpenTrouble, policy: Policy, now: datetime) -> bool:
    """A network that fails for a moment need not be told."""
    if trouble.kind is not Kind.NETWORK:
        return True
    return now - trouble.since >= timedelta(seconds=policy.network_patience)


def remind(ledger: Ledger, policy: Policy, now: datetime) -> tuple[Ledger, list[Notice]]:
    """Tell again of what was told long ago and still is wrong."""
    if policy.remind_every is None:
        return ledger, []
    pause = timedelta(seconds=policy.remind_every)
    due = [
        each
        for each in ledger.troubles.values()
        if each.told_at is not None and now - each.told_at >= pause
    ]
    notices = [replace(_alarm(each, now), event=Event.REMINDER) for each in due]
    again = {each.key: replace(each, told_at=now) for each in due}
    return replace(ledger, troubles={**ledger.troubles, **again}), notices


def meet(ledger: Ledger, accounts: Iterable[str], now: datetime) -> Ledger:
    """Remember who was first seen when; forget whom the configuration names no more.

    What a clock far ahead or a flipped digit put into the future was now at the latest, or
    nobody would be reminded of it for years.
    """
    known = {name: min(ledger.known.get(name, now), now) for name in accounts}
    troubles = {
        key: _not_ahead(trouble, now)
        for key, trouble in ledger.troubles.items()
        if trouble.account is None or trouble.account in known
    }
    return replace(ledger, known=known, troubles=troubles)


def _not_ahead(trouble: OpenTrouble, now: datetime) -> OpenTrouble:
    told_at = None if trouble.told_at is None else min(trouble.told_at, now)
    return replace(trouble, since=min(trouble.since, now), told_at=told_at)


def post(ledger: Ledger, notices: Iterable[Notice], channels: tuple[str, ...]) -> Ledger:
    """Put notices into the outbox; where it is full, the oldest letters go."""
    letters = [Letter(each, channels) for each in notices] if channels else []
    return replace(ledger, outbox=(*ledger.outbox, *letters)[-KEPT_LETTERS:])


def due_letters(
    ledger: Ledger, channels: tuple[str, ...], now: datetime, *, at_once: bool = False
) -> tuple[Ledger, list[Letter]]:
    """The letters to try now. Those nobody can take any more, or wants to know, go."""
    kept = []
    for letter in ledger.outbox:
        wanted = tuple(each for each in letter.channels if each in channels)
        if wanted and now - letter.notice.at < KEPT_FOR:
            kept.append(replace(letter, channels=wanted))
    due = [
        each
        for each in kept
        # A clock that was set back must not hold a letter for longer than it would wait.
        if at_once
        or each.not_before is None
        or each.not_before <= now
        or each.not_before - now > 2 * _LONGEST_PAUSE
    ]
    return replace(ledger, outbox=tuple(kept)), due


def delivered(ledger: Ledger, letter_id: str, taken: Iterable[str], now: datetime) -> Ledger:
    """Strike out the channels that took a letter; try the others again later."""
    done, outbox = set(taken), []
    for letter in ledger.outbox:
        if letter.notice.id != letter_id:
            outbox.append(letter)
            continue
        left = tuple(each for each in letter.channels if each not in done)
        if left:
            pause = min(_FIRST_PAUSE * 2 ** min(letter.attempts, 10), _LONGEST_PAUSE)
            outbox.append(
                replace(
                    letter, channels=left, attempts=letter.attempts + 1, not_before=now + pause
                )
            )
    return replace(ledger, outbox=tuple(outbox))


def digest(
    ledger: Ledger, roundup: Roundup, channels: tuple[str, ...], now: datetime
) -> Ledger:
    """Post a digest, once: from now on the next one is told of."""
    named = f"digest {roundup.since.timestamp()} {roundup.until.timestamp()}"
    others = tuple(
        each.summary
        for each in ledger.troubles.values()
        if each.account is None and each.job is None
    )
    roundup = replace(roundup, troubles=others)
    notice = Notice(
        id=sha256(named.encode()).hexdigest()[:32],
        event=Event.DIGEST,
        at=now,
        summary=summary(roundup),
        since=roundup.since,
        roundup=roundup,
    )
    return replace(post(ledger, [notice], channels), digested_at=roundup.until)


def ping_of(ledger: Ledger) -> str | None:
    """What a ping says after a run: "" for well, "fail", or nothing while it is unclear."""
    serious = [each for each in ledger.troubles.values() if each.kind not in QUIETLY_OPEN]
    if not serious:
        return ""
    return "fail" if any(each.owes_recovery for each in serious) else None


def _alarm(trouble: OpenTrouble, now: datetime) -> Notice:
    return _notice(trouble, _EVENTS.get(trouble.kind, Event.FAILURE), now)


def _recovery(trouble: OpenTrouble, now: datetime) -> Notice:
    notice = _notice(trouble, Event.RECOVERY, now)
    return replace(notice, hint=None, exit_code=None, summary=f"over: {trouble.summary}")


def _notice(trouble: OpenTrouble, event: Event, now: datetime) -> Notice:
    named = (
        f"{trouble.key} {trouble.kind} {trouble.since.timestamp()} {event} {now.timestamp()}"
    )
    return Notice(
        id=sha256(named.encode()).hexdigest()[:32],
        event=event,
        at=now,
        summary=trouble.summary,
        kind=trouble.kind,
        hint=trouble.hint,
        account=trouble.account,
        job=trouble.job,
        exit_code=trouble.exit_code,
        since=trouble.since,
    )
