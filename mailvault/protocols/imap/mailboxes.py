"""Reads what a server says of mailboxes: LIST, LSUB, STATUS, NAMESPACE."""

import re
from collections.abc import Callable, Iterator

from mailvault.mail.model import MailboxName, MailboxState
from mailvault.protocols.imap.scanner import Scanner, Tree
from mailvault.protocols.imap.types import (
    MAX_NUMBER64,
    ListItem,
    Namespace,
    NamespaceItem,
    Quota,
    StatusItem,
    number_in,
)
from mailvault.protocols.imap.uidset import MAXIMUM

_ATTRIBUTES = re.compile(rb" *\(([^()]*)\) +")
_DELIMITER = re.compile(rb'(?:"(\\?[^\r\n])?"|NIL) +', re.IGNORECASE)
_END_OF_NAME = re.compile(rb"(?= *\Z| +\()")
_UNQUOTED = re.compile(rb"[^ (\"{][^ ]*+(?= *\Z| +\()")
_UP_TO_LIST = re.compile(rb'([^"({ ][^(]*+)(?=\()')


def parse_list(
    scanner: Scanner, decode: Callable[[bytes, str | None], MailboxName], *, is_lsub: bool
) -> ListItem:
    """RFC 9051 7.3.1."""
    attributes = scanner.expect(_ATTRIBUTES, "a LIST")[1].decode("latin-1").split()
    quoted = scanner.expect(_DELIMITER, "a LIST delimiter")[1]
    delimiter = quoted[-1:].decode("latin-1") if quoted else None
    wire_name = _listed_name(scanner)
    return ListItem(
        wire_name,
        decode(wire_name, delimiter),
        delimiter,
        frozenset(attributes),
        is_lsub,
        _old_name(scanner),
    )


def parse_status(scanner: Scanner) -> StatusItem:
    """RFC 9051 7.3.4."""
    scanner.skip_blanks()
    name = scanner.string()
    if name is None:  # an atom; some servers forget the quotes around a name with blanks
        name = scanner.expect(_UP_TO_LIST, "a STATUS")[1].rstrip(b" ")
    scanner.skip_blanks()
    items = dict(_pairs(scanner.value()))
    state = MailboxState(
        uidvalidity=_number(items.get(b"UIDVALIDITY"), MAXIMUM),
        uidnext=_number(items.get(b"UIDNEXT"), MAXIMUM),
        messages=_number(items.get(b"MESSAGES"), MAXIMUM),
        highestmodseq=_number(items.get(b"HIGHESTMODSEQ")),
        mailbox_id=_only_word(items.get(b"MAILBOXID")),
    )
    return StatusItem(
        name,
        state,
        size=_number(items.get(b"SIZE")),
        recent=_number(items.get(b"RECENT")),
        unseen=_number(items.get(b"UNSEEN")),
        deleted=_number(items.get(b"DELETED")),
        append_limit=_number(items.get(b"APPENDLIMIT")),
    )


def parse_namespace(scanner: Scanner) -> Namespace:
    """RFC 2342 6: personal, other users', shared."""
    kinds: list[tuple[NamespaceItem, ...]] = []
    for _ in range(3):
        scanner.skip_blanks()
        kinds.append(tuple(_namespace_items(scanner.value())))
    return Namespace(*kinds)


def parse_quota(scanner: Scanner) -> Quota:
    """RFC 9208 5.1: a root, then resources as triples."""
    scanner.skip_blanks()
    scanner.value()
    scanner.skip_blanks()
    tree = None if scanner.is_at_end() else scanner.value()  # Courier leaves out the list
    words = [word for word in tree if isinstance(word, bytes)] if isinstance(tree, list) else []
    found = []
    for name, usage, limit in zip(words[::3], words[1::3], words[2::3], strict=False):
        used, most = number_in(usage), number_in(limit)
        if used is not None and most is not None:
            found.append((name.decode("latin-1").upper(), used, most))
    return Quota(tuple(found))


def _listed_name(scanner: Scanner) -> bytes:
    literal = scanner.literal()
    if isinstance(literal, bytes):
        return literal
    name = scanner.quoted_before(_END_OF_NAME)
    if name is not None:
        return name
    unquoted = scanner.take(_UNQUOTED)
    if unquoted is not None:
        return unquoted[0]
    # Some servers forget the quotes around a name with blanks, or to escape those inside it.
    text = scanner.rest()
    if not text or text.startswith(b"(") or not scanner.is_at_end():
        raise scanner.violation("a mailbox name")
    is_quoted = len(text) > 1 and text.startswith(b'"') and text.endswith(b'"')
    return text[1:-1] if is_quoted else text


def _old_name(scanner: Scanner) -> bytes | None:
    """RFC 9051 7.3.1: the extended data may tell what the mailbox was called before."""
    scanner.skip_blanks()
    if scanner.is_at_end():
        return None
    names = dict(_pairs(scanner.value())).get(b"OLDNAME")
    name = names[0] if isinstance(names, list) and names else None
    return name if isinstance(name, bytes) else None


def _pairs(tree: Tree) -> Iterator[tuple[bytes, Tree]]:
    """Read a list of keys and values; keys in upper case."""
    members = tree if isinstance(tree, list) else []
    for key, value in zip(members[::2], members[1::2], strict=False):
        if isinstance(key, bytes):
            yield key.upper(), value


def _number(value: Tree, maximum: int = MAX_NUMBER64) -> int | None:
    return number_in(value, maximum) if isinstance(value, bytes) else None


def _only_word(value: Tree) -> str | None:
    word = value[0] if isinstance(value, list) and len(value) == 1 else value
    return word.decode("utf-8", "replace") if isinstance(word, bytes) else None


def _namespace_items(tree: Tree) -> Iterator[NamespaceItem]:
    for member in tree if isinstance(tree, list) else []:
        prefix, delimiter, *_ = member if isinstance(member, list) else [None, None, None]
        if isinstance(prefix, bytes):
            character = delimiter.decode("latin-1") if isinstance(delimiter, bytes) else None
            yield NamespaceItem(prefix, character or None)
