"""An independent reader: what a mailbox on a server holds, by plain commands, one at a time.

Shares no code with the product: what it says is the truth that a sync is held against.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.servers.imap_session import ImapSession, Refused, Reply, from_modified_utf7

FETCH_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """One message in one mailbox."""

    digest: str
    size: int
    flags: frozenset[str]
    internal_date: datetime


@dataclass(slots=True)
class Holdings:
    """All that an account holds. The keys of ``messages`` are mailbox and UID."""

    messages: dict[tuple[str, int], Seen] = field(default_factory=dict)
    uidvalidity: dict[str, int] = field(default_factory=dict)

    @property
    def mailboxes(self) -> set[str]:
        return set(self.uidvalidity)


def read(session: ImapSession) -> Holdings:
    """Read every mailbox that lets itself be opened."""
    holdings = Holdings()
    for wire_name, name in _mailboxes(session):
        try:
            examined, _ = session.command(b"EXAMINE ", wire_name)
        except Refused:
            continue
        text = b"".join(reply[0] for reply in examined)
        found = re.search(rb"UIDVALIDITY (\d+)", text)
        holdings.uidvalidity[name] = int(found[1]) if found else 0
        for uid, seen in _messages(session):
            holdings.messages[name, uid] = seen
    return holdings


def _mailboxes(session: ImapSession) -> list[tuple[bytes, str]]:
    replies, _ = session.command(b'LIST "" "*"')
    listed = (_mailbox(reply) for reply in replies if reply[0].startswith(b"* LIST "))
    return [one for one in listed if one]


def _mailbox(reply: Reply) -> tuple[bytes, str] | None:
    """Give the name as an argument for EXAMINE, and as mailvault writes it."""
    found = re.match(rb'\* LIST \(([^)]*)\) (NIL|"(?:\\.|[^"])*") (.*)$', reply[0].strip())
    if not found:
        raise AssertionError(f"not understood: {reply!r}")
    attributes, delimiter, name = found.groups()
    if re.search(rb"\\(?:Noselect|NonExistent)", attributes, re.IGNORECASE):
        return None
    if len(reply) > 1:
        name = reply[1]
    elif name.startswith(b'"'):
        name = re.sub(rb"\\(.)", rb"\1", name[1:-1])
    parts = [from_modified_utf7(name)]
    if delimiter != b"NIL":
        parts = parts[0].split(delimiter.strip(b'"').decode()[-1:])
    if parts[0].upper() == "INBOX":
        parts[0] = "INBOX"
    return b'"' + re.sub(rb'(["\\])', rb"\\\1", name) + b'"', "/".join(parts)


def _messages(session: ImapSession) -> list[tuple[int, Seen]]:
    replies, _ = session.command(b"UID SEARCH ALL")
    listed = b" ".join(reply[0] for reply in replies if reply[0].startswith(b"* SEARCH"))
    uids = sorted({int(word) for word in listed.split() if word.isdigit()})
    messages: list[tuple[int, Seen]] = []
    for start in range(0, len(uids), FETCH_AT_ONCE):
        wanted = ",".join(map(str, uids[start : start + FETCH_AT_ONCE]))
        fetched, _ = session.command(
            f"UID FETCH {wanted} (UID FLAGS INTERNALDATE BODY.PEEK[])".encode()
        )
        messages += [_message(reply) for reply in fetched if b"BODY[]" in reply[0]]
    return messages


def _message(reply: Reply) -> tuple[int, Seen]:
    text = b"".join(reply[0::2])
    octets = reply[1] if len(reply) > 1 else b""
    flags = _item(rb"FLAGS \(([^)]*)\)", text)
    seen = Seen(
        digest=hashlib.sha256(octets).hexdigest(),
        size=len(octets),
        flags=frozenset(flags.split()) - {"\\Recent"},
        internal_date=instant(_item(rb'INTERNALDATE "([^"]+)"', text)),
    )
    return int(_item(rb"\bUID (\d+)", text)), seen


def _item(pattern: bytes, text: bytes) -> str:
    found = re.search(pattern, text)
    if not found:
        raise AssertionError(f"{pattern!r} is not in {text!r}")
    return found[1].decode()


def instant(internal_date: str) -> datetime:
    """Read INTERNALDATE (RFC 3501 date-time), with its zone."""
    return datetime.strptime(internal_date.strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
