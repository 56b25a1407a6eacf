"""What the demonstration server answers, in the syntax of RFC 9051 9."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime

from mailvault.demo.commands import BadCommand, Word, as_list, as_text, parse_words
from mailvault.demo.mailbox import ServedMailbox, ServedMessage
from mailvault.mail.model import Flags, MailboxName
from mailvault.protocols.imap import utf7

DELIMITER = "/"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_SECTION = re.compile(rb"BODY(?:\.PEEK)?\[(.*)\](?:<([0-9]+)\.([0-9]+)>)?", re.IGNORECASE)
_SYSTEM_FLAGS = b"\\Answered \\Flagged \\Deleted \\Seen \\Draft"


def quote(text: bytes) -> bytes:
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def wire_name(name: MailboxName) -> bytes:
    """A mailbox name as it goes over the wire: modified UTF-7 of RFC 3501 5.1.3."""
    return utf7.encode(DELIMITER.join(name.parts))


def read_name(wire: bytes) -> MailboxName:
    return MailboxName.parse(utf7.decode(wire), DELIMITER)


def format_flags(flags: Flags) -> bytes:
    return b"(" + b" ".join(sorted(flag.encode("ascii") for flag in flags)) + b")"


def format_date(instant: datetime) -> bytes:
    month = MONTHS[instant.month - 1]
    return instant.strftime(f'"%d-{month}-%Y %H:%M:%S %z"').encode("ascii")


def listed(mailbox: ServedMailbox, *, has_children: bool) -> bytes:
    """The attributes, delimiter and name of a LIST response."""
    attributes = [b"\\HasChildren" if has_children else b"\\HasNoChildren"]
    if not mailbox.is_selectable:
        attributes.append(b"\\Noselect")
    if mailbox.is_subscribed:
        attributes.append(b"\\Subscribed")
    if mailbox.special_use:
        attributes.append(mailbox.special_use.encode("ascii"))
    name = quote(wire_name(mailbox.name))
    return b"(" + b" ".join(attributes) + b') "/" ' + name


def status(mailbox: ServedMailbox, items: Sequence[Word]) -> bytes:
    """A STATUS response: RFC 9051 7.3.4, RFC 7162 3.1.7, RFC 8474 4.3."""
    values = {
        b"MESSAGES": b"%d" % len(mailbox.messages),
        b"UIDNEXT": b"%d" % mailbox.uidnext,
        b"UIDVALIDITY": b"%d" % mailbox.uidvalidity,
        b"UNSEEN": b"%d" % sum("\\Seen" not in m.flags for m in mailbox.messages.values()),
        b"RECENT": b"0",
        b"SIZE": b"%d" % sum(len(m.octets) for m in mailbox.messages.values()),
        b"HIGHESTMODSEQ": b"%d" % mailbox.highestmodseq,
        b"MAILBOXID": b"(" + mailbox.mailbox_id.encode("ascii") + b")",
    }
    answer = []
    for item in (as_text(word).upper() for word in items):
        if item not in values:
            raise BadCommand(f"unknown STATUS item {item.decode('ascii', 'replace')}")
        answer.append(item + b" " + values[item])
    name = quote(wire_name(mailbox.name))
    return b"* STATUS " + name + b" (" + b" ".join(answer) + b")\r\n"


def selected(
    mailbox: ServedMailbox, messages: Sequence[ServedMessage], *, is_writable: bool = False
) -> list[bytes]:
    """The untagged responses to SELECT and EXAMINE: RFC 9051 6.3.2."""
    keywords = {flag for message in messages for flag in message.flags if flag[0] != "\\"}
    flags = b" ".join([_SYSTEM_FLAGS, *sorted(word.encode("ascii") for word in keywords)])
    mailbox_id = mailbox.mailbox_id.encode("ascii")
    permanent = flags + b" \\*" if is_writable else b""
    return [
        b"* FLAGS (" + flags + b")\r\n",
        b"* OK [PERMANENTFLAGS (" + permanent + b")] These can be given\r\n",
        b"* %d EXISTS\r\n* 0 RECENT\r\n" % len(messages),
        b"* OK [UIDVALIDITY %d] UIDs valid\r\n" % mailbox.uidvalidity,
        b"* OK [UIDNEXT %d] Predicted next UID\r\n" % mailbox.uidnext,
        b"* OK [HIGHESTMODSEQ %d] Highest\r\n" % mailbox.highestmodseq,
        b"* OK [MAILBOXID (" + mailbox_id + b")] Ok\r\n",
    ]


def fetched(number: int, message: ServedMessage, items: Sequence[bytes]) -> list[bytes]:
    """A FETCH response, in pieces so that a body is not copied: RFC 9051 7.5.2."""
    pieces = [b"* %d FETCH (" % number]
    for position, item in enumerate(items):
        pieces.append(b" " if position else b"")
        pieces += _fetch_item(message, item)
    pieces.append(b")\r\n")
    return pieces


def _fetch_item(message: ServedMessage, item: bytes) -> list[bytes]:
    match item.upper():
        case b"UID":
            return [b"UID %d" % message.uid]
        case b"FLAGS":
            return [b"FLAGS " + format_flags(message.flags)]
        case b"INTERNALDATE":
            return [b"INTERNALDATE " + format_date(message.internal_date)]
        case b"RFC822.SIZE":
            return [b"RFC822.SIZE %d" % len(message.octets)]
        case b"MODSEQ":
            return [b"MODSEQ (%d)" % message.modseq]
        case b"EMAILID":  # RFC 8474 5.1: equal octets, equal id
            digest = hashlib.sha256(message.octets).hexdigest()[:32]
            return [b"EMAILID (M" + digest.encode("ascii") + b")"]
        case b"THREADID":
            return [b"THREADID NIL"]
    return _fetch_section(message, item)


def _fetch_section(message: ServedMessage, item: bytes) -> list[bytes]:
    asked = _SECTION.fullmatch(item)
    if asked is None:
        raise BadCommand(f"FETCH item {item.decode('ascii', 'replace')} is not served here")
    section, first, count = asked.groups()
    octets = _section(message.octets, section)
    label = b"BODY[" + section + b"]"
    if first is not None:
        octets = octets[int(first) : int(first) + int(count)]
        label += b"<" + first + b">"
    return [label + b" {%d}\r\n" % len(octets), octets]


def _section(octets: bytes, section: bytes) -> bytes:
    if not section:
        return octets
    header, text = _split(octets)
    words = parse_words(section)
    match as_text(words[0]).upper(), len(words):
        case b"HEADER", 1:
            return header
        case b"TEXT", 1:
            return text
        case b"HEADER.FIELDS", 2:
            wanted = {as_text(name).lower() for name in as_list(words[1])}
            return b"".join(f for f in _fields(header) if _field_name(f) in wanted) + b"\r\n"
    raise BadCommand("this section is not served here")


def _split(octets: bytes) -> tuple[bytes, bytes]:
    """Header with its blank line, and body."""
    blank = re.search(rb"\r?\n\r?\n", octets)
    return (octets[: blank.end()], octets[blank.end() :]) if blank else (octets, b"")


def _fields(header: bytes) -> list[bytes]:
    lines = re.findall(rb"[^\n]+\n(?:[ \t][^\n]*\n)*", header)
    return [line for line in lines if line.strip()]


def _field_name(field: bytes) -> bytes:
    return field.partition(b":")[0].strip().lower()
