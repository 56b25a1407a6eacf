"""How values of the domain are written into columns, and read back."""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from mailvault.mail.model import Flag, Flags, MailboxName

if TYPE_CHECKING:  # who only writes words needs no database
    from sqlalchemy import Row, Select

T = TypeVar("T")

AnyQuery: TypeAlias = "Select[*tuple[Any, ...]]"
AnyRow: TypeAlias = "Row[*tuple[Any, ...]]"
"""Queries and rows whose columns are known by name only."""


def write_list(values: Iterable[str]) -> str:
    """ASCII JSON: even text that is not valid Unicode survives."""
    return json.dumps(list(values), separators=(",", ":"))


def write_flags(flags: Flags) -> str:
    return write_list(sorted(flags))


@lru_cache(maxsize=1024)
def read_flags(text: str) -> Flags:
    """A mailbox knows few sets of flags: each is read, and held in memory, once."""
    return frozenset(map(Flag, json.loads(text)))


def read_name(text: str) -> MailboxName:
    return MailboxName(tuple(json.loads(text)))


def storable(text: str | None) -> str | None:
    """Text without what databases refuse: lone surrogates and NUL."""
    if text is None or (text.isascii() and "\0" not in text):
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def chunked(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(values)
    while batch := list(islice(iterator, size)):
        yield batch
