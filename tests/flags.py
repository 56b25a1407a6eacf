"""Flags as the tests write them down."""

from mailvault.mail.model import Flag, Flags


def build_flags(*names: str) -> Flags:
    return frozenset(map(Flag, names))
