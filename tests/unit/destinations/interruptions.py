"""The same messages each time, to a destination whose process ends somewhere on the way."""

import errno
import os
import warnings
from collections import Counter
from collections.abc import Callable
from functools import partial

from mailvault.errors import NoSpace
from mailvault.mail.model import SEEN, Digest, Flag, MailboxName
from mailvault.ports import Destination, Resumable
from tests.contract.folders import NOON

WANTED = Counter(b"message %d\r\n" % (number % 50) for number in range(60))
COUNTED = ("write", "fsync", "pwrite", "link", "rename", "unlink", "ftruncate")


class Stopped(Exception):
    """The export ends here."""


def fill(destination: Destination, *, until: int = 1000) -> None:
    """Give the messages in their order, but only so many."""
    for number in range(60):
        if number == until:
            raise Stopped
        mailbox = MailboxName(("Box", str(number // 10)))
        octets = b"message %d\r\n" % (number % 50)
        if isinstance(destination, Resumable) and destination.holds(
            mailbox, Digest.of(octets), NOON
        ):
            continue
        destination.append(
            mailbox, octets, flags=frozenset({SEEN, Flag("$Label")}), internal_date=NOON
        )


def export_and_die(open_destination: Callable[[], Destination], countdown: int) -> bool:
    """Fill a destination in a process that is gone after so many file operations.

    Gives whether it came to its end before that.
    """
    code = _in_a_child(open_destination, partial(_die_after, countdown))
    assert code in (0, 9), "the export failed"
    return code == 0


def export_until_full(open_destination: Callable[[], Destination], countdown: int) -> bool:
    """Fill a destination on a disk that is full after so many writes.

    Gives whether it came to its end before that.
    """
    code = _in_a_child(open_destination, partial(_fill_disk_after, countdown))
    assert code in (0, NoSpace.exit_code), "the export failed otherwise"
    return code == 0


def _in_a_child(
    open_destination: Callable[[], Destination], prepare: Callable[[], None]
) -> int:
    with warnings.catch_warnings():
        # Python 3.12 warns of the threads of the tests' runner; the child uses none of them.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            prepare()
            with open_destination() as destination:
                fill(destination)
            os._exit(0)
        except NoSpace as error:
            os._exit(error.exit_code)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _fill_disk_after(countdown: int) -> None:
    left = iter(range(countdown))
    genuine = os.write

    def write(file: int, octets: bytes) -> int:
        if next(left, None) is not None:
            return genuine(file, octets)
        if len(octets) > 1:
            genuine(file, octets[: len(octets) // 2])  # a disk takes what still fits
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    os.write = write  # type: ignore[assignment]  # only bytes are written here


def _die_after(countdown: int) -> None:
    left = iter(range(countdown))

    def counted(genuine: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            if next(left, None) is None:
                os._exit(9)
            return genuine(*arguments, **options)

        return call

    for name in COUNTED:
        setattr(os, name, counted(getattr(os, name)))
