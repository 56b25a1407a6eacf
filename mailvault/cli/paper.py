"""What a report is written on: a terminal of some width, with colours or without, or a pipe."""

import shutil
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from mailvault.cli.colours import Colour, painted, wants_colours
from mailvault.cli.terminal import is_interactive, printable

UNBOUNDED = 1 << 30
NARROWEST = 20


@dataclass(frozen=True, slots=True)
class Paper:
    """What is written on: so many columns, with colours or without."""

    columns: int = UNBOUNDED
    is_coloured: bool = False

    def paint(self, text: str, colour: Colour) -> str:
        return painted(text, colour) if self.is_coloured else text

    def wrapped(self, text: str, indent: str) -> list[str]:
        """Lines of text, all but the first indented further."""
        text = printable(text)
        if self.columns == UNBOUNDED:
            return [indent + text]
        return textwrap.wrap(
            text,
            max(self.columns, NARROWEST),
            initial_indent=indent,
            subsequent_indent=indent + "  ",
            break_on_hyphens=False,
        )


def paper_of(stream: TextIO, environment: Mapping[str, str]) -> Paper:
    """A pipe is as wide as its lines: whoever reads it looks for whole ones."""
    if not is_interactive(stream):
        return Paper()
    return Paper(shutil.get_terminal_size().columns, wants_colours(stream, environment))
