"""How a process of ours uses the machine: its processors, and how it keeps its memory.

What it does to its memory is for a program, not for one that embeds us.
"""

import gc
import os

_OBJECTS = 200_000
"""New objects after which Python looks for garbage that refers to itself.

Loading modules makes many and no cycles; nor is any of those that mail is made of one.
"""

# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8


def processors() -> int:
    """How many we may use: a container or taskset may allow fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


PREPARING = max(1, min(4, processors() - 1))
"""Processors to make mail ready with: one is kept busy by the mail server and the store."""


def look_seldom() -> None:
    """Look for cycles seldom."""
    gc.set_threshold(_OBJECTS, 20, 50)


def bound_heap() -> None:
    """Keep glibc's heap as small as what is in it. Before threads start.

    Mail passes through half a dozen threads in pieces of a few KiB to some MiB. glibc gives
    each thread a heap of its own, and keeps big pieces in those heaps: a sync then holds half
    as much again as it uses. Pieces that go back to the system at once are no better: getting
    each page anew took a tenth of a sync's time. So there is one heap, which takes the pieces
    that come again and again, and gives back what is more than the next batch will need.

    Does nothing where the C library is another one.
    """
    import ctypes  # not needed by who only asks for help

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    mallopt(_M_ARENA_MAX, 1)
    mallopt(_M_MMAP_THRESHOLD, 4 << 20)
    mallopt(_M_TRIM_THRESHOLD, 8 << 20)
