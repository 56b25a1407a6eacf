"""What is left of a message when its encoded parts are lifted out: enough to index it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hole:
    """Where a base64 part was lifted out: before ``text[offset]``, ``size`` decoded octets."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Outline:
    """A message's text without its lifted parts, cut after ``OUTLINE_LIMIT`` octets."""

    text: bytes
    holes: tuple[Hole, ...] = ()


OUTLINE_LIMIT = 1 << 20
