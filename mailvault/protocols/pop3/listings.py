"""What answers to CAPA, STAT, LIST and UIDL say. What cannot be read is left out."""

import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from mailvault.protocols.pop3.columns import Column, Words

LONGEST_UIDL = 70  # RFC 1939 7
_LINE = re.compile(rb"^[ \t]*(\d{1,10})[ \t]+([^\r\n]*?)[ \t]*\r?\n", re.MULTILINE)
_UIDL = re.compile(rf"[!-~]{{1,{LONGEST_UIDL}}}")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What CAPA lists (RFC 2449), in upper case; ``is_told`` is False without CAPA."""

    arguments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_told: bool = False

    def __contains__(self, name: str) -> bool:
        return name in self.arguments

    @property
    def mechanisms(self) -> frozenset[str]:
        return frozenset(self.arguments.get("SASL", ()))

    @property
    def login_delay(self) -> int:
        """Seconds that must lie between two logins (RFC 2449 6.6)."""
        words = self.arguments.get("LOGIN-DELAY", ())
        return int(words[0]) if words and words[0].isdecimal() and len(words[0]) < 8 else 0

    @property
    def implementation(self) -> str:
        return " ".join(self.arguments.get("IMPLEMENTATION", ()))


def parse_capabilities(listing: bytes) -> Capabilities:
    lines = (line.split() for line in listing.decode("utf-8", "replace").splitlines())
    found: dict[str, tuple[str, ...]] = {}
    for name, *words in filter(None, lines):
        is_word = name.upper() == "IMPLEMENTATION"
        found[name.upper()] = tuple(words if is_word else (word.upper() for word in words))
    return Capabilities(found, is_told=True)


def parse_count(text: str) -> int | None:
    """The number of messages in the answer to STAT."""
    words = text.split()
    return int(words[0]) if words and words[0].isdecimal() and len(words[0]) <= 10 else None


def parse_sizes(listing: bytes) -> Column[int]:
    """Message numbers and sizes, in the server's words, from LIST."""
    sizes = (found[2].split(b" ", 1)[0] for found in _LINE.finditer(listing))
    told = (int(size) if size.isdigit() and len(size) < 16 else 0 for size in sizes)
    return Column(_numbers(listing), array("Q", told))


def parse_uidls(listing: bytes) -> Column[str]:
    """Message numbers and unique-ids. An id beyond what RFC 1939 7 allows comes cut.

    Cut behind one character more than is allowed, it can neither be mistaken for a sound
    one nor fill the memory.
    """
    uidls = (found[2][: LONGEST_UIDL + 1] for found in _LINE.finditer(listing))
    return Column(_numbers(listing), Words(uidls))


def _numbers(listing: bytes) -> "array[int]":
    return array("Q", (int(found[1]) for found in _LINE.finditer(listing)))


@dataclass(frozen=True)
class Listing:
    """The messages of one session by number, with size; ``uidls`` None without UIDL."""

    sizes: Mapping[int, int]
    uidls: Mapping[int, str] | None
    count: int

    @cached_property
    def unnamed(self) -> frozenset[int]:
        """The numbers of the messages that no unique-id names alone and soundly."""
        return _unnamed(self.numbers, self.uidls or {})

    @cached_property
    def numbers(self) -> Sequence[int]:
        """Every message the server tells of in any way, in ascending order."""
        counted = range(1, self.count + 1)
        told = (self.sizes, self.uidls or {})
        if all(number in counted for each in told for number in each):
            return counted
        return sorted({*counted, *self.sizes, *(self.uidls or ())})

    def name(self, number: int) -> str | None:
        """The unique-id of a message, if it is one to know it by."""
        return None if number in self.unnamed else (self.uidls or {}).get(number)

    @cached_property
    def reliable(self) -> dict[str, int]:
        """Unique-ids that name one message each, and its number."""
        uidls = self.uidls or {}
        return {uidl: number for number, uidl in uidls.items() if number not in self.unnamed}

    @property
    def flaw(self) -> str | None:
        """Why its ids cannot be trusted to name messages; None if they can."""
        if self.uidls is None:
            return "the server gives its messages no unique-ids"
        if not self.unnamed:
            return None
        if any(len(uidl) > LONGEST_UIDL for uidl in self.uidls.values()):
            return f"the server gives unique-ids of more than {LONGEST_UIDL} characters"
        if len(set(self.uidls.values())) < len(self.uidls):
            return "the server gives the same unique-id to several messages"
        return "the server does not give every message a unique-id"


def _unnamed(numbers: Sequence[int], uidls: Mapping[int, str]) -> frozenset[int]:
    known: dict[str, int] = {}
    unnamed = {number for number in numbers if number not in uidls}
    for number, uidl in uidls.items():
        if _UIDL.fullmatch(uidl) is None:
            unnamed.add(number)
        elif known.setdefault(uidl, number) != number:
            unnamed |= {number, known[uidl]}
    return frozenset(unnamed)
