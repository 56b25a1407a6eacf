"""Turns responses into values (RFC 9051 7). Knows nothing of commands or states.

Tolerant where servers are known to stray and the meaning is plain; anything else raises
ProtocolViolation, and nothing else is ever raised.
"""

import re
from collections.abc import Callable

from mailvault.errors import ProtocolViolation
from mailvault.mail.model import MailboxName
from mailvault.protocols.imap import fetch, utf7
from mailvault.protocols.imap.lexer import Response
from mailvault.protocols.imap.mailboxes import (
    parse_list,
    parse_namespace,
    parse_quota,
    parse_status,
)
from mailvault.protocols.imap.scanner import Scanner, Tree
from mailvault.protocols.imap.search import parse_esearch, parse_search, parse_vanished
from mailvault.protocols.imap.types import (
    Bye,
    Capability,
    Condition,
    Continuation,
    Enabled,
    Exists,
    Expunge,
    Fetch,
    Id,
    Limits,
    MailboxFlags,
    Recent,
    ResponseCode,
    Status,
    Tagged,
    Unknown,
    Value,
)
from mailvault.protocols.imap.uidset import MAXIMUM

_MAX_TEXT = 2000  # of a server's free text: it is for people

_TAGGED = re.compile(
    rb"([A-Za-z0-9.]{1,40}) (OK|NO|BAD)(?: (.*))?\Z", re.IGNORECASE | re.DOTALL
)
_UNTAGGED = re.compile(rb"\* (?:([0-9]{1,10}) )?([A-Za-z0-9.-]{1,40})")
_CODE = re.compile(rb"\[([A-Za-z0-9.-]+)(?: (\([^()]*\)|[^\]]*))?\] ?")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_BLANK = re.compile(rb" ?")
_FLAGS = re.compile(rb" *\(([^()]*)\) *\Z")


class ResponseParser:
    """Reads one response at a time. ``utf8_names``: the server writes names in UTF-8 now."""

    def __init__(self, limits: Limits) -> None:
        self.utf8_names = False
        self._limits = limits

    def parse(self, response: Response) -> Value:
        """Read a response. Raises ProtocolViolation, and then keeps none of its files."""
        value = fetch.parse_fast(response)
        if value is not None:
            return value
        try:
            return self._parse(response)
        except ProtocolViolation:
            response.discard()
            raise

    def mailbox_name(self, wire_name: bytes, delimiter: str | None) -> MailboxName:
        decode = utf7.decode_utf8 if self.utf8_names else utf7.decode
        return MailboxName.parse(decode(wire_name), delimiter)

    def _parse(self, response: Response) -> Value:
        text = response.texts[0]
        if text.startswith(b"*"):
            value = self._untagged(Scanner(response, self._limits.depth))
            _check_large_literals(response, value)
            return value
        if text.startswith(b"+"):
            return Continuation(text[1:].removeprefix(b" "))
        match = _TAGGED.match(text)
        if match is None:
            raise Scanner(response, 0).violation("a response")
        tag, condition, rest = match.groups()
        code, remark = _status_text(rest or b"")
        return Tagged(tag.decode(), Condition(condition.decode().upper()), code, remark)

    def _untagged(self, scanner: Scanner) -> Value:
        number, word = scanner.expect(_UNTAGGED, "an untagged response").groups()
        name = word.decode().upper()
        if number is not None:
            return _numbered(int(number), name, scanner)
        if name in Condition.__members__:
            scanner.take(_BLANK)
            code, text = _status_text(scanner.rest())
            if name == Condition.BYE:
                return Bye(code, text)
            return Status(Condition(name), code, text)
        if name in ("LIST", "LSUB"):
            return parse_list(scanner, self.mailbox_name, is_lsub=name == "LSUB")
        read = _READERS.get(name)
        return read(scanner) if read else Unknown(name)


def _check_large_literals(response: Response, value: Value) -> None:
    """A file that no value names would never be removed."""
    kept = value.octets() if isinstance(value, Fetch) else ()
    if sum(not isinstance(octets, bytes) for octets in kept) < response.large_literals():
        raise ProtocolViolation("the server sent a large literal where no message can be")


def _numbered(number: int, name: str, scanner: Scanner) -> Value:
    if name == "FETCH":
        return _fetch(number, scanner)
    if number > MAXIMUM:
        raise scanner.violation("a number out of range")
    if name == "EXISTS":
        return Exists(number)
    if name == "EXPUNGE":
        return Expunge(number)
    return Recent(number) if name == "RECENT" else Unknown(name)


def _fetch(sequence: int, scanner: Scanner) -> Fetch:
    value = fetch.parse_items(sequence, scanner)
    scanner.skip_blanks()
    if not scanner.is_at_end():
        raise scanner.violation("a FETCH")
    return value


def _status_text(text: bytes) -> tuple[ResponseCode | None, str]:
    match = _CODE.match(text)
    if match is None:
        return None, _for_people(text)
    name, arguments = match.groups()
    code = ResponseCode(name.decode().upper(), arguments or b"")
    return code, _for_people(text[match.end() :])


def _for_people(text: bytes) -> str:
    """Free text reaches terminals and logs, so it must not steer them."""
    return _UNPRINTABLE.sub("\ufffd", text[:_MAX_TEXT].decode("utf-8", "replace"))


def _flags(scanner: Scanner) -> MailboxFlags:
    return MailboxFlags(fetch.parse_flags(scanner.expect(_FLAGS, "a list of flags")[1]))


def _capability(scanner: Scanner) -> Capability:
    return Capability(_names(scanner))


def _enabled(scanner: Scanner) -> Enabled:
    return Enabled(_names(scanner))


def _names(scanner: Scanner) -> frozenset[str]:
    return frozenset(scanner.rest().decode("utf-8", "replace").upper().split())


def _id(scanner: Scanner) -> Id:
    """RFC 2971 3.2."""
    scanner.skip_blanks()
    fields = scanner.value()
    texts = [_text(field) for field in fields] if isinstance(fields, list) else []
    pairs = zip(texts[::2], texts[1::2], strict=False)
    return Id(tuple((key.lower(), value) for key, value in pairs if key is not None))


def _text(value: Tree) -> str | None:
    return _for_people(value) if isinstance(value, bytes) else None


_READERS: dict[str, Callable[[Scanner], Value]] = {
    "CAPABILITY": _capability,
    "ENABLED": _enabled,
    "ESEARCH": parse_esearch,
    "FLAGS": _flags,
    "ID": _id,
    "NAMESPACE": parse_namespace,
    "QUOTA": parse_quota,
    "SEARCH": parse_search,
    "STATUS": parse_status,
    "VANISHED": parse_vanished,
}
