"""What a server lists of its messages, in little room: there may be very many."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from operator import lt
from typing import Protocol, TypeVar

T = TypeVar("T")
Value = TypeVar("Value", covariant=True)


class Values(Protocol[Value]):
    """One for each place in a column."""

    def __getitem__(self, place: int, /) -> Value: ...


class Column(Mapping[int, T]):
    """A value for each message number; of a number that is listed twice, the last one."""

    def __init__(self, numbers: "array[int]", values: Values[T]) -> None:
        self._numbers = numbers
        self._values = values
        is_ascending = all(map(lt, numbers, islice(numbers, 1, None)))
        ends = (numbers[0], numbers[-1]) if numbers else (0, 0)
        self._is_counted = is_ascending and ends == (1, len(numbers))
        self._places: dict[int, int] | None = None
        if not is_ascending:  # no server is known to list in such an order
            self._places = {number: place for place, number in enumerate(numbers)}

    def __getitem__(self, number: int) -> T:
        place = self._place(number)
        if place is None:
            raise KeyError(number)
        return self._values[place]

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self._place(number) is not None

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers if self._places is None else self._places)

    def __len__(self) -> int:
        return len(self._numbers if self._places is None else self._places)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Column):
            return super().__eq__(other)
        return self._numbers == other._numbers and self._values == other._values

    def _place(self, number: int) -> int | None:
        if self._places is not None:
            return self._places.get(number)
        if self._is_counted:
            return number - 1 if 0 < number <= len(self._numbers) else None
        place = bisect_left(self._numbers, number)
        is_there = place < len(self._numbers) and self._numbers[place] == number
        return place if is_there else None


class Words:
    """Short texts, one behind the other: an object for each takes five times the room."""

    def __init__(self, words: Iterable[bytes]) -> None:
        octets = bytearray()
        self._ends = array("L", [0])
        for word in words:
            octets += word
            self._ends.append(len(octets))
        self._octets = bytes(octets)

    def __getitem__(self, place: int) -> str:
        return self._octets[self._ends[place] : self._ends[place + 1]].decode("latin-1")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Words):
            return NotImplemented
        return self._octets == other._octets and self._ends == other._ends
