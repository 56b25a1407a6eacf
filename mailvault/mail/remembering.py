"""Remembers what short fields say: much mail says the same."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
Reader = Callable[Concatenate[bytes, P], R]

_SHORT = 200
"""Octets of a field; what longer ones say is read each time."""


def remembering(fields: int) -> Callable[[Reader[P, R]], Reader[P, R]]:
    """Have a function remember what it read in so many short fields."""

    def decorate(read: Reader[P, R]) -> Reader[P, R]:
        remembered = lru_cache(maxsize=fields)(read)

        @wraps(read)
        def read_or_remember(raw: bytes, /, *args: P.args, **kwargs: P.kwargs) -> R:
            return (remembered if len(raw) <= _SHORT else read)(raw, *args, **kwargs)

        return read_or_remember

    return decorate
