"""A command under strace, which kills it or fills its disk at a chosen system call."""

import math
import re
import subprocess
from collections import Counter
from dataclasses import dataclass

from tests.server.vault import RUN_SECONDS, Vault

DURABLE = "fsync,fdatasync,syncfs"
NAMES = "rename,link,linkat,unlink"
WRITES = "pwrite64"  # how SQLite and the journal write; sockets and pipes do not


@dataclass(frozen=True, slots=True)
class Traced:
    code: int
    stderr: str
    calls: int
    """How often one thread made the calls that were watched; the most of any thread."""
    is_hit: bool
    """Whether any call was made to fail."""


def traced(vault: Vault, calls: str, *arguments: str, inject: str | None = None) -> Traced:
    """Run a command, watching ``calls``. strace counts them for each thread by itself."""
    log = vault.folder / "strace.log"
    # Not --seccomp-bpf: it is faster, and strace 6.1 then counts no further than one.
    watch = f"-f -qq -o {log} -e trace={calls}".split()
    injection = ["-e", f"inject={calls}:{inject}"] if inject else []
    done = subprocess.run(
        ["strace", *watch, *injection, *vault.command(*arguments)],
        env=vault.environment(),
        cwd=vault.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    said = done.stderr.decode(errors="replace")
    lines = log.read_text()
    return Traced(done.returncode, said, _most_calls(lines, calls), "(INJECTED)" in lines)


def places(vault: Vault, calls: str, *arguments: str, most: int = 60) -> range:
    """Run a command undisturbed; give the calls at which to disturb it, the first as 1.

    Where there are more than ``most``, every other one, or every third, and so on.
    """
    whole = traced(vault, calls, *arguments)
    assert whole.code == 0, whole.stderr
    assert whole.calls, "strace saw nothing"
    return range(1, whole.calls + 1, math.ceil(whole.calls / most))


def _most_calls(lines: str, calls: str) -> int:
    wanted = re.compile(rf"^(\d+) +(?:{calls.replace(',', '|')})\(", re.MULTILINE)
    return max(Counter(wanted.findall(lines)).values(), default=0)
