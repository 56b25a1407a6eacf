"""Matches where messages were with where they are, so that a move is told as one. Pure."""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pairs(Generic[T]):
    """What was matched, and what is left of both sides."""

    matched: tuple[tuple[T, T], ...]
    left: tuple[T, ...]
    came: tuple[T, ...]


def pair(left: Sequence[T], came: Sequence[T], key: Callable[[T], Hashable]) -> Pairs[T]:
    """Match what has the same key, one for one, in the given order."""
    waiting: defaultdict[Hashable, deque[T]] = defaultdict(deque)
    for each in came:
        waiting[key(each)].append(each)
    matched, alone = [], []
    for each in left:
        others = waiting[key(each)]
        if others:
            matched.append((each, others.popleft()))
        else:
            alone.append(each)
    rest = tuple(each for others in waiting.values() for each in others)
    return Pairs(tuple(matched), tuple(alone), rest)
