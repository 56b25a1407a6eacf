"""Reads the sets of numbers a server answers: SEARCH, ESEARCH, VANISHED."""

import re

from mailvault.protocols.imap.scanner import Scanner
from mailvault.protocols.imap.types import ESearch, Search, Vanished, number_in
from mailvault.protocols.imap.uidset import MAXIMUM, UidSet

_SEARCH = re.compile(rb"([0-9 ]*)(?:\(MODSEQ ([0-9]{1,19})\) *)?\Z", re.IGNORECASE)
_CORRELATOR = re.compile(
    rb' *(?:\(TAG (?:"([^"\\]{0,40})"|([A-Za-z0-9.]{1,40}))\))? *(UID\b)?', re.IGNORECASE
)
_ESEARCH_ITEM = re.compile(rb" *([A-Za-z]+) +([0-9:,]+|\([^()]*\))")
_VANISHED = re.compile(rb" *(\(EARLIER\) *)?([0-9:,]+) *\Z", re.IGNORECASE)


def parse_search(scanner: Scanner) -> Search:
    numbers, modseq = scanner.expect(_SEARCH, "a SEARCH").groups()
    try:
        return Search(UidSet.parse_numbers(numbers), number_in(modseq or b""))
    except ValueError as error:
        raise scanner.violation("a SEARCH") from error


def parse_esearch(scanner: Scanner) -> ESearch:
    """RFC 4731 3.1; the correlator is RFC 4466 2.6.2."""
    quoted, bare, uid = scanner.expect(_CORRELATOR, "an ESEARCH").groups()
    items: dict[bytes, bytes] = {}
    while (item := scanner.take(_ESEARCH_ITEM)) is not None:
        items[item[1].upper()] = item[2]
    scanner.skip_blanks()
    if not scanner.is_at_end():
        raise scanner.violation("an ESEARCH")
    tag = bare if quoted is None else quoted
    try:
        return ESearch(
            tag.decode("latin-1") if tag is not None else None,
            uid is not None,
            UidSet.parse(items[b"ALL"]) if b"ALL" in items else None,
            number_in(items.get(b"COUNT", b""), MAXIMUM),
            number_in(items.get(b"MIN", b""), MAXIMUM),
            number_in(items.get(b"MAX", b""), MAXIMUM),
            number_in(items.get(b"MODSEQ", b"")),
        )
    except ValueError as error:
        raise scanner.violation("an ESEARCH") from error


def parse_vanished(scanner: Scanner) -> Vanished:
    """RFC 7162 3.2.10."""
    earlier, uids = scanner.expect(_VANISHED, "a VANISHED").groups()
    try:
        return Vanished(UidSet.parse(uids), is_earlier=earlier is not None)
    except ValueError as error:
        raise scanner.violation("a VANISHED") from error
