"""Sets of message numbers, as IMAP writes them: ``1:4,7,9:12`` (RFC 9051 sequence-set).

Kept as ranges in arrays of 32-bit numbers, so that one range of four thousand million UIDs
and a million scattered ones are both cheap.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, pairwise
from typing import cast

from mailvault.mail.model import Uid

MAXIMUM = (1 << 32) - 1

_WINDOW = 1 << 16

Range = tuple[int, int]


class UidSet:
    """An immutable set of UIDs: sorted ranges that neither touch nor overlap."""

    __slots__ = ("_firsts", "_lasts", "_size")

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        """Take ranges in any order. Raises ValueError for numbers outside 1 to 2**32-1."""
        self._firsts, self._lasts = firsts, lasts = _coalesce(iter(ranges))
        self._size = sum(lasts) - sum(firsts) + len(firsts)

    @classmethod
    def of(cls, uids: Iterable[int]) -> "UidSet":
        """Collect single UIDs, in any order."""
        return cls(_runs(sorted(uids)))

    @classmethod
    def parse(cls, text: bytes) -> "UidSet":
        """Read ``1:4,7``. Raises ValueError for anything else, ``*`` and 0 too."""
        if text.translate(None, b"0123456789:,"):
            raise ValueError(f"not a set of message numbers: {text[:40]!r}")
        return cls(_range(element) for element in _elements(text, b","))

    @classmethod
    def parse_numbers(cls, text: bytes) -> "UidSet":
        """Read ``2 84 882``, as SEARCH answers. Zeros, which name no message, are left out."""
        if text.translate(None, b"0123456789 "):
            raise ValueError(f"not a list of message numbers: {text[:40]!r}")
        numbers = (int(element) for element in _elements(text, b" ") if element)
        return cls(_runs(number for number in numbers if number))

    @property
    def ranges(self) -> tuple[Range, ...]:
        """The ranges, both ends included, ascending."""
        return tuple(self._pairs())

    def encode(self) -> bytes:
        """Write the set as a command argument. An empty set has no form: ValueError."""
        if not self:
            raise ValueError("an empty set of message numbers cannot be written")
        return ",".join(map(_element, self._firsts, self._lasts)).encode()

    def split(self, count: int) -> Iterator["UidSet"]:
        """Cut into sets of at most ``count`` UIDs, ascending."""
        part: list[Range] = []
        room = count
        for start, last in self._pairs():
            first = start
            while first <= last:
                end = min(last, first + room - 1)
                part.append((first, end))
                room -= end - first + 1
                first = end + 1
                if not room:
                    yield UidSet(part)
                    part, room = [], count
        if part:
            yield UidSet(part)

    def split_encoded(self, max_octets: int) -> Iterator["UidSet"]:
        """Cut into sets whose ``encode()`` is at most ``max_octets`` (21 or more) long."""
        part: list[Range] = []
        length = 0
        for first, last in self._pairs():
            needed = len(_element(first, last)) + 1
            if part and length + needed > max_octets + 1:
                yield UidSet(part)
                part, length = [], 0
            part.append((first, last))
            length += needed
        if part:
            yield UidSet(part)

    @property
    def first(self) -> Uid:
        """The lowest UID. Raises IndexError when empty."""
        return Uid(self._firsts[0])

    @property
    def last(self) -> Uid:
        """The highest UID. Raises IndexError when empty."""
        return Uid(self._lasts[-1])

    def __iter__(self) -> Iterator[Uid]:
        spans = map(range, self._firsts, (last + 1 for last in self._lasts))
        # cast, because calling Uid for each of millions of numbers costs more than making them
        return cast("Iterator[Uid]", chain.from_iterable(spans))

    def __len__(self) -> int:
        return self._size

    def __bool__(self) -> bool:
        return self._size > 0

    def __contains__(self, uid: object) -> bool:
        if not isinstance(uid, int) or not 0 < uid <= MAXIMUM:
            return False
        index = bisect_right(self._firsts, uid) - 1
        return index >= 0 and uid <= self._lasts[index]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UidSet):
            return NotImplemented
        return self._firsts == other._firsts and self._lasts == other._lasts

    def __hash__(self) -> int:
        return hash((self._firsts.tobytes(), self._lasts.tobytes()))

    def __or__(self, other: "UidSet") -> "UidSet":
        return UidSet(sorted(chain(self._pairs(), other._pairs())))

    def __and__(self, other: "UidSet") -> "UidSet":
        return UidSet(_sweep(self, other, lambda mine, theirs: mine and theirs))

    def __sub__(self, other: "UidSet") -> "UidSet":
        return UidSet(_sweep(self, other, lambda mine, theirs: mine and not theirs))

    def _pairs(self) -> Iterator[Range]:
        return zip(self._firsts, self._lasts, strict=True)

    def __repr__(self) -> str:
        text = self.encode().decode() if self else ""
        return f"UidSet({text if len(text) <= 60 else text[:57] + '...'})"


def _coalesce(ranges: Iterator[Range]) -> "tuple[array[int], array[int]]":
    """Join ranges that touch; sort only when needed, for servers send sets ascending."""
    firsts, lasts = array("I"), array("I")
    begin = end = -1
    for first, last in ranges:
        if not 1 <= first <= last <= MAXIMUM:
            raise ValueError(f"not a range of message numbers: {first}:{last}")
        if first < begin:
            unordered = chain(zip(firsts, lasts, strict=True), [(first, last)], ranges)
            return _coalesce(iter(sorted(unordered)))
        if lasts and first <= end + 1:
            if last > end:
                lasts[-1] = end = last
            continue
        firsts.append(first)
        lasts.append(last)
        begin, end = first, last
    return firsts, lasts


def _element(first: int, last: int) -> str:
    return f"{first}:{last}" if first != last else str(first)


def _runs(uids: Iterable[int]) -> Iterator[Range]:
    """Join neighbours where they stand in order."""
    source = iter(uids)
    for uid in source:
        first = last = uid
        break
    else:
        return
    for uid in source:
        if last <= uid <= last + 1:
            last = uid
        else:
            yield first, last
            first = last = uid
    yield first, last


def _elements(text: bytes, separator: bytes) -> Iterator[bytes]:
    """Split piece by piece, so that a line of megabytes does not explode into objects."""
    start = 0
    while start <= len(text):
        end = text.find(separator, start + _WINDOW)
        window = text[start:] if end < 0 else text[start:end]
        start += len(window) + 1
        yield from window.split(separator)


def _range(element: bytes) -> Range:
    first, colon, last = element.partition(b":")
    low = int(first)
    high = int(last) if colon else low
    # RFC 9051 seq-range: 4:2 means the same as 2:4
    return (low, high) if low <= high else (high, low)


def _sweep(one: UidSet, two: UidSet, keep: Callable[[bool, bool], bool]) -> Iterator[Range]:
    """Walk the edges of both sets in order and keep the stretches that ``keep`` chooses."""
    edges = sorted(
        chain(
            ((first, 0) for first, _ in one._pairs()),
            ((last + 1, 0) for _, last in one._pairs()),
            ((first, 1) for first, _ in two._pairs()),
            ((last + 1, 1) for _, last in two._pairs()),
        )
    )
    inside = [False, False]
    for (edge, whose), (following, _) in pairwise(edges):
        inside[whose] = not inside[whose]
        if edge < following and keep(inside[0], inside[1]):
            yield edge, following - 1


EMPTY = UidSet()
