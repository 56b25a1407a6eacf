"""mutt, as somebody at a terminal: it opens a mailbox and copies all of it to an mbox file."""

import mailbox
import os
import pty
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.servers.packages import library_path, unpacked
from tests.servers.process import ServerFailed

SECONDS = 60
_SETTINGS = (
    "set folder=~",  # else it first asks whether to make ~/Mail
    "set sleep_time=0",
    "set confirmappend=no",
    "set confirmcreate=no",
    "set mbox_type=mbox",
    "set quit=yes",
    "set read_only=yes",
)


@dataclass(frozen=True, slots=True, order=True)
class MuttMessage:
    """What mutt thinks of a message; its ``octets`` with LF at the end of lines."""

    octets: bytes
    is_read: bool
    is_answered: bool
    is_flagged: bool


class Mutt:
    """mutt from the system, or unpacked from Debian's package."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        installed = shutil.which("mutt")
        root = None if installed else unpacked("mutt", ["mutt"], ["usr/bin/mutt"])
        self._program = installed or str(root and root / "usr/bin/mutt")
        self._environment = {
            "HOME": str(folder),
            "TERM": "vt100",
            "LANG": "C.UTF-8",
            "PATH": os.environ["PATH"],
        }
        if root:
            self._environment["LD_LIBRARY_PATH"] = library_path(root)

    def read(self, path: Path) -> list[MuttMessage]:
        """Open a mailbox, copy all its messages, and leave."""
        copy = self._folder / "copied.mbox"
        with suppress(FileNotFoundError):
            copy.unlink()
        keys = f"<tag-pattern>.<enter><tag-prefix><copy-message>{copy}<enter><exit>"
        words = [word for setting in _SETTINGS for word in ("-e", setting)]
        command = [self._program, "-n", "-F", "/dev/null", *words, "-e", f'push "{keys}"']
        self._run([*command, "-f", str(path)])
        if not copy.exists():
            return []
        box = mailbox.mbox(copy, create=False)
        try:
            return [_message(box[key], box.get_bytes(key)) for key in box.iterkeys()]
        finally:
            box.close()

    def _run(self, command: list[str]) -> None:
        ours, theirs = pty.openpty()
        try:
            process = subprocess.Popen(
                command, stdin=theirs, stdout=theirs, stderr=theirs, env=self._environment
            )
        finally:
            os.close(theirs)
        shown = b""
        try:
            with suppress(OSError):  # EIO: nobody has the terminal open any more
                while piece := os.read(ours, 65536):
                    shown = (shown + piece)[-4096:]
            if process.wait(SECONDS):
                raise ServerFailed(f"mutt: exit {process.returncode}: {shown!r}")
        finally:
            process.kill()
            process.wait()
            os.close(ours)


_STATUS = (
    b"status:",
    b"x-status:",
    b"x-keywords:",
    b"x-mozilla-",
    b"content-length:",
    b"lines:",
)


def _without_status(octets: bytes) -> bytes:
    """Take off what mutt, or who wrote an mbox before it, adds to tell of flags."""
    head, separator, body = octets.partition(b"\n\n")
    lines = [line for line in head.split(b"\n") if not line.lower().startswith(_STATUS)]
    return b"\n".join(lines) + separator + body


def _message(message: mailbox.mboxMessage, octets: bytes) -> MuttMessage:
    flags = message.get_flags()
    octets = _without_status(octets.replace(b"\r\n", b"\n"))
    return MuttMessage(octets, "R" in flags, "A" in flags, "F" in flags)
