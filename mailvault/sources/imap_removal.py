"""Deleting over IMAP what the archive holds: by UID, and only where UIDPLUS makes that exact.

A UID never names another message (RFC 9051 2.3.1.1), so no message need be compared.
"""

from collections.abc import Sequence

from mailvault.mail.model import Batch, Uid
from mailvault.ports import Proven
from mailvault.protocols.imap.uidset import UidSet
from mailvault.sources.imap_session import ImapSession


def refusal(session: ImapSession) -> str | None:
    capabilities = session.client.capabilities
    if "UIDPLUS" in capabilities or "IMAP4REV2" in capabilities:
        return None
    return (
        "the server offers no UIDPLUS, so messages cannot be deleted one by one and"
        " nothing is deleted there"
    )


class ImapRemoval:
    """One deletion in one mailbox."""

    def __init__(self, session: ImapSession, wire_name: bytes) -> None:
        self._session = session
        self._wire_name = wire_name
        self._uidvalidity: int | None = None

    def certain(self, proven: Sequence[Proven]) -> list[Uid]:
        """Those that exist under the UIDVALIDITY they were archived under."""
        if self._uidvalidity is None:
            selected = self._session.examine(self._wire_name)
            self._uidvalidity = selected.state.uidvalidity
        uids = [each.kept.uid for each in proven if each.uidvalidity == self._uidvalidity]
        if not uids:
            return []
        found = self._session.client.search_uids(Uid(min(uids)), Uid(max(uids)))
        return [uid for uid in uids if uid in found]

    def remove(self, uids: Sequence[Uid]) -> Batch:
        assert self._uidvalidity is not None  # `certain` was asked
        wanted = UidSet.of(uids)
        gone = self._session.client.expunge(
            self._wire_name, wanted, uidvalidity=self._uidvalidity
        )
        expunged = tuple(map(Uid, gone))
        return Batch(self._uidvalidity, expunged=expunged, removed=expunged)
