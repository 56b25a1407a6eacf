"""Turns what was typed into what the archive knows: runs, mailboxes, digests."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailvault.cli.invocation import check_account
from mailvault.errors import UsageError
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Digest, RunNumber

if TYPE_CHECKING:
    from mailvault.archive.archive import Archive
    from mailvault.config.model import Configuration
    from mailvault.operations.restore_report import ReadBack
    from mailvault.operations.selection import Selection

SHOWN_MATCHES = 10
_SEE_LOG = "mailvault log lists the runs"


def chosen_globs(patterns: Sequence[str] | None) -> MailboxGlobs | None:
    return MailboxGlobs(patterns) if patterns else None


def archived_account(
    archive: "Archive", configuration: "Configuration", name: str | None
) -> str | None:
    """Accept an account that the archive or the configuration knows."""
    known = {view.name for view in archive.catalog.accounts()}
    check_account(name, known | set(configuration.accounts))
    return name


def chosen_run(archive: "Archive", when: str | None) -> RunNumber | None:
    """Find the run that WHEN means; None stays None, the present.

    Raises:
        UsageError: it is no point in time, or one before the first or after the last run.
    """
    if when is None:
        return None
    from mailvault.clock import SystemClock
    from mailvault.operations.when import parse_when

    moment = parse_when(when, SystemClock().now())
    if isinstance(moment, int):
        if moment > (archive.catalog.last_run() or 0):
            raise UsageError(f"there is no run {moment} yet", hint=_SEE_LOG)
        return moment
    run = archive.catalog.run_at(moment)
    if run is None:
        raise UsageError(
            f"the archive holds nothing from {when} or before",
            hint=_SEE_LOG,
        )
    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedSelection:
    """The options by which messages are chosen, as they were typed."""

    account: str | None
    mailbox: Sequence[str] | None
    at: str | None
    gone: bool = False
    since: str | None = None
    before: str | None = None
    run: int | None = None


def chosen_selection(
    archive: "Archive", configuration: "Configuration", typed: TypedSelection
) -> "Selection":
    """Turn what was typed into what the archive can be asked.

    Raises:
        UsageError: there is no such account, mailbox, run or point in time.
    """
    from mailvault.operations.selection import Selection
    from mailvault.operations.when import parse_instant
    from mailvault.wiring import SystemClock

    account = archived_account(archive, configuration, typed.account)
    chosen_mailboxes(archive, account, typed.mailbox)
    now = SystemClock().now()
    if typed.run is not None and typed.run > (archive.catalog.last_run() or 0):
        raise UsageError(f"there is no run {typed.run} yet", hint=_SEE_LOG)
    return Selection(
        account=account,
        globs=chosen_globs(typed.mailbox),
        at=chosen_run(archive, typed.at),
        gone=typed.gone,
        since=None if typed.since is None else parse_instant(typed.since, now),
        before=None if typed.before is None else parse_instant(typed.before, now),
        brought_by=None if typed.run is None else RunNumber(typed.run),
    )


def chosen_mailboxes(
    archive: "Archive", account: str | None, patterns: Sequence[str] | None
) -> list[int] | None:
    """Find the mailboxes that the globs select, present or gone; None means all.

    Raises:
        UsageError: none is selected.
    """
    globs = chosen_globs(patterns)
    if globs is None:
        return None
    views = archive.catalog.mailboxes(account, include_gone=True)
    selected = [view.mailbox_id for view in views if globs.matches(view.name)]
    if not selected:
        raise UsageError(
            f"no mailbox of the archive matches {' '.join(globs.patterns)}",
            hint="mailvault mailboxes lists them; * stands for anything",
        )
    return selected


def chosen_read_back(typed: str) -> "ReadBack":
    """How much of a restore is to be fetched back."""
    from mailvault.operations.restore_report import ReadBack

    try:
        return ReadBack(typed)
    except ValueError:
        raise UsageError(
            f"--verify {typed}: is not a choice", hint="choose some, all or none"
        ) from None


def chosen_digest(archive: "Archive", prefix: str) -> Digest:
    """Find the one message whose digest begins so.

    Raises:
        UsageError: there is none, or there are several.
    """
    typed = prefix.strip().lower()
    if not typed or len(typed) > 64 or set(typed) - set("0123456789abcdef"):
        raise UsageError(
            f"{prefix!r} is not the start of a digest",
            hint="it is made of 0-9 and a-f; mailvault list shows it",
        )
    found = archive.catalog.find_digest(typed, limit=SHOWN_MATCHES + 1)
    if not found:
        raise UsageError(f"no message has a digest that begins with {typed}")
    if len(found) > 1:
        shown = "\n  ".join(str(digest) for digest in found[:SHOWN_MATCHES])
        more = "\n  ..." if len(found) > SHOWN_MATCHES else ""
        raise UsageError(
            f"several messages have digests that begin with {typed}:\n  {shown}{more}",
            hint="type more of it",
        )
    return found[0]
