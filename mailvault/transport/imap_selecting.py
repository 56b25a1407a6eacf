"""Opening a mailbox, read-only, and what the server says of it then."""

from dataclasses import replace

from mailvault.mail.model import Flag, Flags, MailboxState
from mailvault.protocols.imap import commands
from mailvault.protocols.imap.types import Exists, Fetch, ResponseCode, Status, Value, Vanished
from mailvault.protocols.imap.uidset import EMPTY, UidSet
from mailvault.transport.imap_session import Session
from mailvault.transport.imap_values import Fetched, Selected


def examine(session: Session, wire_name: bytes, qresync: tuple[int, int] | None) -> Selected:
    """EXAMINE. Raises ServerRefused."""
    has_qresync = "QRESYNC" in session.connection.enabled
    command = commands.examine(
        wire_name,
        condstore=session.offers("CONDSTORE") and not has_qresync,
        qresync=qresync if has_qresync else None,
    )
    session.exists = session.expunged = 0
    values = session.run(command)
    session.expunged = 0
    return _selected(values, is_resynchronised=has_qresync and qresync is not None)


def select(session: Session, wire_name: bytes) -> Selected:
    """SELECT, for changes. Raises ServerRefused."""
    session.exists = session.expunged = 0
    values = session.run(commands.select(wire_name))
    session.expunged = 0
    return _selected(values, is_resynchronised=False)


def with_uidnext(selected: Selected, uidnext: int | None) -> Selected:
    """Fill in what only STATUS told."""
    if selected.state.uidnext is not None or uidnext is None:
        return selected
    return replace(selected, state=replace(selected.state, uidnext=uidnext))


def _selected(values: list[Value], *, is_resynchronised: bool) -> Selected:
    codes = {v.code.name: v.code for v in values if isinstance(v, Status) and v.code}
    exists = [value.count for value in values if isinstance(value, Exists)]
    count = exists[-1] if exists else 0
    state = MailboxState(
        uidvalidity=_number(codes.get("UIDVALIDITY")),
        uidnext=_number(codes.get("UIDNEXT")),
        messages=count,
        highestmodseq=_number(codes.get("HIGHESTMODSEQ")),
        mailbox_id=_word(codes.get("MAILBOXID")),
    )
    return Selected(
        exists=count,
        state=state,
        permanent_flags=_permanent_flags(codes.get("PERMANENTFLAGS")),
        vanished=_vanished(values) if is_resynchronised else None,
        changed=_changed(values) if is_resynchronised else (),
    )


def _number(code: ResponseCode | None) -> int | None:
    return code.number if code else None


def _word(code: ResponseCode | None) -> str | None:
    return next(iter(code.words), None) if code else None


def _permanent_flags(code: ResponseCode | None) -> Flags:
    return frozenset(map(Flag, code.words)) if code else frozenset()


def _vanished(values: list[Value]) -> UidSet:
    gone = EMPTY
    for value in values:
        if isinstance(value, Vanished):
            gone |= value.uids
    return gone


def _changed(values: list[Value]) -> tuple[Fetched, ...]:
    return tuple(
        Fetched(value.uid, value.flags, modseq=value.modseq)
        for value in values
        if isinstance(value, Fetch) and value.uid is not None and value.flags is not None
    )
