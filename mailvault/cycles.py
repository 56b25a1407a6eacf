"""How often Python looks for garbage that refers to itself."""

import gc

_OBJECTS = 200_000
"""New objects after which it looks.

Loading modules makes many and no cycles; nor is any of those that mail is made of one.
"""


def look_seldom() -> None:
    """For a process of its own; a program that embeds us keeps its own thresholds."""
    gc.set_threshold(_OBJECTS, 20, 50)
