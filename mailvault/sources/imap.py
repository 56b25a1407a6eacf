"""The IMAP source: lists mailboxes and yields what changed in each.

How a mailbox is walked stands in `imap_pass`; here only which connection it happens on.
Reading never alters the server: EXAMINE and BODY.PEEK[] only. Deleting is in `imap_removal`.
"""

# ruff: noqa: ARG002 - what `ports.Deleting` asks is answered from the session
import logging
from collections.abc import Callable, Iterator, Sequence

from mailvault.errors import ServerRefused
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Batch, Cursor, Mailbox, MailboxName, Octets, Uid
from mailvault.ports import (
    Clock,
    Comparison,
    Fingerprint,
    Kept,
    Known,
    Listed,
    Proven,
    Reread,
    Sought,
)
from mailvault.protocols.imap.uidset import UidSet
from mailvault.sources import gmail_labels, imap_refetch, imap_removal
from mailvault.sources.imap_cursor import ImapCursor
from mailvault.sources.imap_inspection import ImapInspection
from mailvault.sources.imap_pass import MailboxPass
from mailvault.sources.imap_removal import ImapRemoval
from mailvault.sources.imap_session import ImapSession
from mailvault.transport.imap import ImapClient

log = logging.getLogger(__name__)

SAMPLE = 5
"""Messages compared before a mailbox is believed to be a renamed one."""


class ImapSource:
    """Implements `ports.Source` on one IMAP connection."""

    def __init__(
        self, connect: Callable[[], ImapClient], globs: MailboxGlobs, *, clock: Clock
    ) -> None:
        self._session = ImapSession(connect, clock)
        self._globs = globs
        self._wire_names: dict[MailboxName, bytes] = {}
        self._removal: ImapRemoval | None = None
        self._inspection: ImapInspection | None = None

    def __enter__(self) -> "ImapSource":
        return self

    def __exit__(self, *exception: object) -> None:
        kind, error, trace = exception
        self._session.__exit__(kind, error, trace)  # type: ignore[arg-type]  # as given to us

    def mailboxes(self) -> Sequence[Mailbox]:
        """The selected mailboxes. Names that only differ in how they are written are apart."""
        mailboxes = self._list()
        for pattern in self._globs.unmatched(mailbox.name for mailbox in mailboxes):
            log.warning('"%s" matches no mailbox of the account', pattern)
        return [mailbox for mailbox in mailboxes if self._globs.matches(mailbox.name)]

    def _list(self) -> list[Mailbox]:
        listed = self._session.patiently(lambda: self._session.client.list_mailboxes())
        self._wire_names = {each.mailbox.name: each.wire_name for each in listed}
        return [each.mailbox for each in listed]

    def _wire_name(self, name: MailboxName) -> bytes:
        if name not in self._wire_names:
            self._list()
        if name not in self._wire_names:
            raise ServerRefused(f"the server no longer lists the mailbox {name}")
        return self._wire_names[name]

    def is_level(self, mailbox: Mailbox, since: Cursor | None, known: Known) -> bool:
        cursor = ImapCursor.parse(since) if since else None
        return bool(cursor and cursor.is_level_with(mailbox.state)) and not known.owed()

    def changes(self, mailbox: Mailbox, since: Cursor | None, known: Known) -> Iterator[Batch]:
        cursor = ImapCursor.parse(since) if since else None
        yield from self._open(mailbox, cursor, known).run()

    def _open(self, mailbox: Mailbox, cursor: ImapCursor | None, known: Known) -> MailboxPass:
        wire_name = self._wire_name(mailbox.name)
        qresync = None
        if cursor and cursor.modseq and "QRESYNC" in self._session.client.capabilities:
            qresync = (cursor.uidvalidity, cursor.modseq)
        selected = self._session.examine(wire_name, qresync=qresync)
        return MailboxPass(
            self._session,
            wire_name,
            selected=selected,
            cursor=cursor,
            known=known,
            own_label=gmail_labels.own_label(mailbox),
        )

    def names_messages(self) -> bool:
        return gmail_labels.names_messages(self._session.client.capabilities)

    def count_new(self, mailbox: Mailbox, since: Cursor | None, known: Known) -> int:
        cursor = ImapCursor.parse(since) if since else None
        return len(self._open(mailbox, cursor, known).new_uids())

    def is_same_mailbox(self, mailbox: Mailbox, since: Cursor, known: Known) -> bool:
        """Compare the UIDVALIDITY, and then some messages: another mailbox may bear it too.

        Servers that number by the clock give one UIDVALIDITY to all mailboxes of a second.
        """
        cursor = ImapCursor.parse(since)
        state = mailbox.state
        if (
            cursor is None
            or not mailbox.is_selectable
            or state.uidvalidity != cursor.uidvalidity
        ):
            return False
        if state.uidnext is not None and state.uidnext < cursor.uidnext:
            return False
        expected = {each.uid: each for each in known.sample(SAMPLE)}
        if not expected:
            return state.messages == 0
        self._session.examine(self._wire_name(mailbox.name))
        listed = self._session.client.fetch_fingerprints(UidSet.of(expected))
        found = [Fingerprint(m.uid, m.size or 0, m.internal_date, m.message_id) for m in listed]
        return bool(found) and all(_agree(each, expected[each.uid]) for each in found)

    # Fetching again: `ports.Refetching`

    def by_name(self, mailbox: Mailbox, sought: Sequence[Sought]) -> Iterator[Octets]:
        return imap_refetch.by_uid(self._session, self._wire_name(mailbox.name), sought)

    def by_message_id(self, mailbox: Mailbox, sought: Sequence[Sought]) -> Iterator[Octets]:
        return imap_refetch.by_message_id(self._session, self._wire_name(mailbox.name), sought)

    # Comparing: `ports.Inspecting`

    def everything(self) -> Sequence[Mailbox]:
        return self._list()

    def is_renumbered(self, mailbox: Mailbox, known: Known) -> bool:
        return known.uidvalidity() not in (None, mailbox.state.uidvalidity)

    def compare(
        self, mailbox: Mailbox, since: Cursor | None, known: Known
    ) -> Iterator[Comparison]:
        wire_name = self._wire_name(mailbox.name)
        selected = self._session.examine(wire_name)
        cursor = ImapCursor.parse(since) if since else None
        self._inspection = ImapInspection(self._session, wire_name, selected, cursor, known)
        yield from self._inspection.compare()

    def reread(self, mailbox: Mailbox, wanted: Sequence[Listed]) -> Iterator[Reread]:
        assert self._inspection is not None  # something was compared
        yield from self._inspection.reread(wanted)

    # Deleting: `ports.Deleting`

    def refusal(self, mailbox: Mailbox) -> str | None:
        self._removal = ImapRemoval(self._session, self._wire_name(mailbox.name))
        return imap_removal.refusal(self._session)

    def listed(self, mailbox: Mailbox, wanted: Sequence[Kept]) -> list[Kept]:
        """All: the catalog was just brought level with the server."""
        return list(wanted)

    def certain(self, mailbox: Mailbox, proven: Sequence[Proven]) -> list[Uid]:
        assert self._removal is not None  # `refusal` is asked first
        return self._removal.certain(proven)

    def intend(
        self, mailbox: Mailbox, uids: Sequence[Uid], since: Cursor | None
    ) -> Batch | None:
        assert self._removal is not None
        return self._removal.intend(uids, since)

    def remove(self, mailbox: Mailbox, uids: Sequence[Uid]) -> Batch:
        assert self._removal is not None
        return self._removal.remove(uids)

    def has_more(self, mailbox: Mailbox) -> bool:
        return False


def _agree(one: Fingerprint, other: Fingerprint) -> bool:
    return (one.internal_date, one.message_id) == (other.internal_date, other.message_id)
