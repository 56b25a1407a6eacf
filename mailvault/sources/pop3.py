"""The POP3 source: INBOX, told apart by unique-ids, and deleted from with care.

How a session is compared with the archive stands in `pop3_pass`, and how messages are
deleted in `pop3_removal`; here only which session it happens in.
"""

# ruff: noqa: ARG002 - POP3 has one mailbox and no position in it
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from mailvault.errors import LoginRefused, SourceError
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import INBOX, Batch, Cursor, Mailbox, MailboxState, Octets, Uid
from mailvault.ports import (
    Clock,
    Comparison,
    Kept,
    Known,
    Listed,
    Proven,
    Reread,
    Sought,
)
from mailvault.sources.pop3_bodies import Pop3Bodies
from mailvault.sources.pop3_cursor import Pop3Cursor
from mailvault.sources.pop3_inspection import Pop3Inspection
from mailvault.sources.pop3_pass import UIDVALIDITY, MailboxPass, sort
from mailvault.sources.pop3_removal import Pop3Removal
from mailvault.sources.pop3_session import Pop3Session
from mailvault.transport.pop3 import Pop3Client

log = logging.getLogger(__name__)

MANY = 50
"""Messages that a session brought after which another one is worth a look.

Gmail shows some 250 at a time, and the next ones only to the next session.
"""

LONGEST_DELAY = 5
"""Seconds: a server that wants more between two logins gets no second one (RFC 2449 6.6)."""

# Gmail's greeting. It does not list again what a session that ended with QUIT has fetched.
GMAIL = "gpop"


class Pop3Source:
    """Implements `ports.Source` and `ports.Deleting`, one session for each pass."""

    def __init__(
        self,
        connect: Callable[[], Pop3Client],
        globs: MailboxGlobs,
        *,
        clock: Clock,
        largest: int = 1 << 40,
    ) -> None:
        self._session = Pop3Session(connect, clock)
        self._globs = globs
        self._largest = largest
        self._pass: MailboxPass | None = None
        self._removal: Pop3Removal | None = None
        self._inspection: Pop3Inspection | None = None
        self._login_delay = 0  # seconds
        self._given: set[str] = set()  # names that earlier sessions of this sync listed

    def __enter__(self) -> "Pop3Source":
        return self

    def __exit__(self, *exception: object) -> None:
        if exception[0] is None:
            self._session.finish()
        else:
            self._session.drop()

    def mailboxes(self) -> Sequence[Mailbox]:
        for pattern in self._globs.unmatched([INBOX]):
            if not pattern.startswith("!"):
                log.warning('"%s" matches no mailbox: POP3 has only INBOX', pattern)
        if not self._globs.matches(INBOX):
            return []
        count = len(self._session.listing.numbers)
        return [Mailbox(INBOX, state=MailboxState(UIDVALIDITY, messages=count))]

    def is_level(self, mailbox: Mailbox, since: Cursor | None, known: Known) -> bool:
        """Counts prove nothing: one message may have come for another that went."""
        return False

    def is_same_mailbox(self, mailbox: Mailbox, since: Cursor, known: Known) -> bool:
        return False

    def count_new(self, mailbox: Mailbox, since: Cursor | None, known: Known) -> int:
        """Without sound unique-ids all count, as all would be fetched."""
        return len(sort(self._session, known, Pop3Cursor.parse(since)).wanted)

    def changes(self, mailbox: Mailbox, since: Cursor | None, known: Known) -> Iterator[Batch]:
        """Walk one session; `has_more` then looks into another, which is walked next."""
        cursor = Pop3Cursor.parse(since)
        if self._pass is not None:
            self._given.update(self._pass.names)
        cursor = replace(cursor, hides_fetched=cursor.hides_fetched or self._hides_fetched())
        self._login_delay = self._session.client.capabilities.login_delay
        walked = MailboxPass(self._session, cursor, known, largest=self._largest)
        self._pass, self._removal = walked, None
        yield from walked.run()

    def _another_session(self) -> bool:
        """Begin another session. One that is refused is no failure: what came is stored."""
        self._session.finish()
        try:
            self._session.reopen()
        except (LoginRefused, SourceError) as error:
            log.warning("no further session, the next sync goes on: %s", error)
            return False
        return True

    def _hides_fetched(self) -> bool:
        """Whether what one session has fetched is not listed in the next, and other mail is."""
        if self._is_gmail():
            return True
        if self._pass is None or self._pass.fetched < MANY:
            return False
        before, now = self._pass.names, self._session.reliable.keys()
        has_news = bool(now - self._given)
        return has_news and len(before - now) > len(before) // 2 and not self._has_removed

    @property
    def _has_removed(self) -> bool:
        return self._removal is not None and self._removal.has_removed

    def has_more(self, mailbox: Mailbox) -> bool:
        """Look into another session where that may show more; what came is stored meanwhile."""
        walked = self._pass
        if walked is None or walked.fetched < MANY or self._flaw is not None:
            return False
        if self._login_delay > LONGEST_DELAY or not self._another_session():
            return False
        return not walked.is_all_there_is()

    # Fetching again: `ports.Refetching`

    def by_name(self, mailbox: Mailbox, sought: Sequence[Sought]) -> Iterator[Octets]:
        numbers = self._session.reliable
        wanted = [numbers[each.uidl] for each in sought if each.uidl in numbers]
        for got in Pop3Bodies(self._session).fetch(wanted):
            if got.octets is not None:
                yield got.octets

    def by_message_id(self, mailbox: Mailbox, sought: Sequence[Sought]) -> Iterator[Octets]:
        """Nothing: POP3 cannot search."""
        return iter(())

    # Comparing: `ports.Inspecting`

    def everything(self) -> Sequence[Mailbox]:
        count = len(self._session.listing.numbers)
        return [Mailbox(INBOX, state=MailboxState(UIDVALIDITY, messages=count))]

    def is_renumbered(self, mailbox: Mailbox, known: Known) -> bool:
        return False

    def compare(
        self, mailbox: Mailbox, since: Cursor | None, known: Known
    ) -> Iterator[Comparison]:
        self._inspection = Pop3Inspection(self._session, Pop3Cursor.parse(since), known)
        yield from self._inspection.compare()

    def reread(self, mailbox: Mailbox, wanted: Sequence[Listed]) -> Iterator[Reread]:
        assert self._inspection is not None  # something was compared
        yield from self._inspection.reread(wanted)

    # Deleting

    def refusal(self, mailbox: Mailbox) -> str | None:
        reason = self._flaw
        return None if reason is None else f"{reason}, so nothing is deleted there"

    def listed(self, mailbox: Mailbox, wanted: Sequence[Kept]) -> list[Kept]:
        if self._pass is None:
            return []
        return [kept for kept in wanted if kept.uidl in self._pass.names]

    def certain(self, mailbox: Mailbox, proven: Sequence[Proven]) -> list[Uid]:
        if self._removal is None:
            self._removal = self._begin_removal()
        return self._removal.certain(proven)

    def _begin_removal(self) -> Pop3Removal:
        assert self._pass is not None  # `listed` found something
        removal = Pop3Removal(self._session, self._pass)
        # What Gmail was told QUIT about it lists no more.
        removal.begin(
            in_new_session=self._login_delay <= LONGEST_DELAY, says_quit=not self._is_gmail()
        )
        return removal

    def intend(
        self, mailbox: Mailbox, uids: Sequence[Uid], since: Cursor | None
    ) -> Batch | None:
        return self._removal.intend(uids) if self._removal else None

    def remove(self, mailbox: Mailbox, uids: Sequence[Uid]) -> Batch:
        assert self._removal is not None  # `certain` was asked
        return self._removal.remove(uids)

    @property
    def _flaw(self) -> str | None:
        of_pass = self._pass.flaw if self._pass else None
        return of_pass or (self._removal.flaw if self._removal else None)

    def _is_gmail(self) -> bool:
        return GMAIL in self._session.client.greeting_text.lower().split()
