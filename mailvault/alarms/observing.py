"""What an event says of troubles: which there are, and which are over. Pure.

What an event says nothing of is left as it is: a run that could not log in does not know
whether the mailbox is still suspicious.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from mailvault.alarms.ledger import Kind, OpenTrouble
from mailvault.errors import (
    AccountSuspended,
    ArchiveLocked,
    LoginPaused,
    MailvaultError,
    NeedsLogin,
)
from mailvault.operations.ended import Event, RunEnded, Topic, Trouble, TroubleOver
from mailvault.operations.freshness import Freshness
from mailvault.operations.reports import AccountReport
from mailvault.schedule.due import JobKind
from mailvault.transport.printable import printable

DONE = frozenset({0, 3})
_KINDS = {
    1: Kind.BUG,
    2: Kind.CONFIGURATION,
    4: Kind.DAMAGE,
    10: Kind.NETWORK,
    11: Kind.LOGIN,
    12: Kind.TLS,
    20: Kind.ARCHIVE,
    21: Kind.NO_SPACE,
}
_TOPICS = {
    Topic.CONFIGURATION: Kind.CONFIGURATION,
    Topic.PLANNING: Kind.PLANNING,
}


@dataclass(frozen=True, slots=True)
class Observation:
    """A trouble as it is now, or, where there is none, that it is over.

    ``goes_on`` if the kind is only that of the trouble before, if there was one.
    """

    key: str
    trouble: OpenTrouble | None = None
    goes_on: bool = False


def observed(event: Event) -> list[Observation]:
    """Everything that an event says of troubles."""
    match event:
        case RunEnded() if not _says_nothing(event):
            return list(_of_run(event))
        case Trouble():
            return [_of_trouble(event)]
        case TroubleOver():
            return [Observation(_key(event.topic, event.account))]
    return []


def observed_age(freshness: Freshness, now: datetime) -> Observation:
    """Whether an account has gone without a success for too long."""
    account = freshness.account
    key = f"{Kind.NO_SUCCESS} {account}"
    if not freshness.is_overdue(now):
        return Observation(key)
    last = freshness.last_success
    said = "never had a success" if last is None else f"no success since {_date(last)}"
    hint = f"mailvault log {account} says what went wrong; is it run at all?"
    return Observation(
        key, OpenTrouble(key, Kind.NO_SUCCESS, now, f"{account}: {said}", hint, account)
    )


def _says_nothing(ended: RunEnded) -> bool:
    """Neither a success nor a failure: it made room, or rests as it was asked to."""
    return ended.made_room or isinstance(ended.error, AccountSuspended | ArchiveLocked)


def _of_run(ended: RunEnded) -> Iterator[Observation]:
    key = f"run {ended.job.name}"
    if ended.exit_code in DONE and ended.error is None:
        yield Observation(key)
        if ended.report is not None:
            yield _suspicion(ended, ended.report)
            yield _shortfall(ended, ended.report)
        return
    kind = _KINDS.get(ended.exit_code, Kind.BUG)
    if isinstance(ended.error, NeedsLogin):
        kind = Kind.NEEDS_LOGIN
    verb = "found damage" if kind is Kind.DAMAGE else "did not work"
    yield Observation(
        key,
        _trouble(ended, key, kind, f"{verb}: {ended.detail}", _hint(ended.error)),
        goes_on=isinstance(ended.error, LoginPaused),
    )


def _suspicion(ended: RunEnded, report: AccountReport) -> Observation:
    key = f"suspicion {ended.job.name}"
    reasons = [report.suspicion] if report.suspicion else []
    reasons += [
        f"{each.mailbox}: {each.suspicion}" for each in report.mailboxes if each.suspicion
    ]
    parts = {str(each.mailbox) for each in report.mailboxes if each.suspicion}
    if report.suspicion:
        parts.add("")
    if not reasons and not report.unaccepted:
        return Observation(key)
    said = "; ".join(reasons[:3]) or f"{report.unaccepted} suspicions are not accepted yet"
    hint = (
        "nothing is lost, the archive still has it; if it was meant, say so: "
        f"mailvault accept {report.name}"
    )
    trouble = _trouble(ended, key, Kind.SUSPICION, f"is suspicious: {said}", hint, parts)
    return Observation(key, trouble, goes_on=not reasons)


def _shortfall(ended: RunEnded, report: AccountReport) -> Observation:
    """It was done, but not all of it."""
    key = f"shortfall {ended.job.name}"
    failed = [each for each in report.mailboxes if each.error is not None]
    refusals = [each for each in report.mailboxes if each.deletion_refusal]
    hint = f"mailvault status names what is owed; mailvault log {report.name} the rest"
    if failed:
        said = f"{len(failed)} mailboxes failed, {failed[0].mailbox} first: {failed[0].error}"
        return Observation(key, _trouble(ended, key, Kind.MAILBOXES, said, hint))
    if refusals:
        said = f"deletes nothing on the server: {refusals[0].deletion_refusal}"
        return Observation(key, _trouble(ended, key, Kind.MAILBOXES, said, hint))
    if report.debts:
        said = f"the server would not give {report.debts} messages"
        return Observation(key, _trouble(ended, key, Kind.OWED, said, hint))
    return Observation(key)


def _of_trouble(event: Trouble) -> Observation:
    key, kind = _key(event.topic, event.account), _TOPICS[event.topic]
    said = f"{event.account}: {event.what}" if event.account else event.what
    return Observation(
        key, OpenTrouble(key, kind, event.at, printable(said), event.hint, event.account)
    )


def _key(topic: Topic, account: str | None) -> str:
    return f"{topic} {account}" if account else str(topic)


def _trouble(
    ended: RunEnded,
    key: str,
    kind: Kind,
    said: str,
    hint: str | None,
    parts: set[str] | None = None,
) -> OpenTrouble:
    job = ended.job
    subject = job.account if job.kind is JobKind.SYNC and job.account else str(job.kind)
    return OpenTrouble(
        key=key,
        kind=kind,
        since=ended.at,
        summary=printable(f"{subject}: {said}"),
        hint=hint,
        account=job.account,
        job=job.name,
        exit_code=ended.exit_code,
        parts=frozenset(parts or ()),
    )


def _hint(error: MailvaultError | None) -> str | None:
    return None if error is None or error.hint is None else printable(error.hint)


def _date(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M UTC")
