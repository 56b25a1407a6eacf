"""Fetches single messages again that the archive has lost."""

import logging
from collections.abc import Iterator, Sequence

from mailvault.errors import ServerRefused
from mailvault.mail.model import Octets, Uid
from mailvault.ports import Sought
from mailvault.protocols.imap.uidset import UidSet
from mailvault.sources.imap_session import ImapSession

log = logging.getLogger(__name__)

SET = 8
"""Messages in one command: one that the server cannot give must not take many with it."""

CANDIDATES = 20
"""Messages with one Message-ID that are worth a look."""


def by_uid(
    session: ImapSession, wire_name: bytes, sought: Sequence[Sought]
) -> Iterator[Octets]:
    """Give the messages that bear these UIDs, where the numbering is still the same."""
    selected = session.examine(wire_name)
    uids = [each.uid for each in sought if each.uidvalidity == selected.state.uidvalidity]
    yield from _bodies(session, uids)


def by_message_id(
    session: ImapSession, wire_name: bytes, sought: Sequence[Sought]
) -> Iterator[Octets]:
    """Give the messages that a search for these Message-IDs finds."""
    session.examine(wire_name)
    for message_id in dict.fromkeys(each.message_id for each in sought):
        if message_id is None:
            continue
        try:
            found = session.client.search_message_id(message_id)
        except ServerRefused as error:
            log.info("the server does not search by Message-ID: %s", error)
            return
        yield from _bodies(session, [Uid(uid) for uid in found][:CANDIDATES])


def _bodies(session: ImapSession, uids: Sequence[Uid]) -> Iterator[Octets]:
    unique = sorted(set(uids))
    sets = [UidSet.of(unique[at : at + SET]) for at in range(0, len(unique), SET)]
    for answer in session.client.fetch_bodies(sets):
        if answer.refusal is not None:
            log.info("the server refuses to send %s: %s", answer.asked, answer.refusal)
        for fetched in answer.messages:
            if fetched.body is not None:
                yield fetched.body
