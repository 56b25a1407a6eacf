"""Colours on a terminal, for whoever wants them; never the only sign of anything."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TextIO

from mailvault.cli.terminal import is_interactive

RESET = "\x1b[0m"


class Colour(StrEnum):
    """Select Graphic Rendition (ECMA-48 8.3.117)."""

    NONE = ""
    RED = "\x1b[1;31m"
    YELLOW = "\x1b[33m"
    GREEN = "\x1b[32m"
    DIM = "\x1b[2m"


def painted(text: str, colour: Colour) -> str:
    return f"{colour}{text}{RESET}" if colour and text else text


def wants_colours(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether a person with colours watches ``stream`` (no-color.org)."""
    return (
        is_interactive(stream)
        and not environment.get("NO_COLOR")
        and environment.get("TERM", "dumb") != "dumb"
    )
