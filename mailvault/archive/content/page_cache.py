"""Has the system forget what it holds of files, so that a proof reads the disk itself."""

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

log = logging.getLogger(__name__)

_SECONDS = 30
_EVICT = """\
import os, sys
for path in sys.argv[1:]:
    descriptor = os.open(path, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)
"""


def evict(paths: Sequence[Path]) -> None:
    """Ask the system to drop what it caches of files. Where it cannot, say so and go on.

    In a process of its own: closing a file here would take SQLite's locks of it away, as
    POSIX has it (fcntl(2), F_SETLK).
    """
    if not paths or not hasattr(os, "posix_fadvise"):
        return
    command = [sys.executable, "-I", "-S", "-c", _EVICT, *map(str, paths)]
    try:
        subprocess.run(command, check=True, timeout=_SECONDS, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        log.debug("the system's cache could not be dropped: %s", error)


def forget_file(path: Path) -> None:
    """As `evict`, for one file that nobody locks: closing it here takes nothing away."""
    if not hasattr(os, "posix_fadvise"):
        return
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        log.debug("the system's cache of %s could not be dropped: %s", path, error)
        return
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
