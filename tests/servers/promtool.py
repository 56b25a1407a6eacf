"""promtool, with which Prometheus itself checks a page of metrics."""

import shutil
import subprocess
from pathlib import Path

from tests.servers.packages import unpacked
from tests.servers.process import run


class Promtool:
    """promtool from the system, or unpacked from Debian's package (19 MB, once)."""

    def __init__(self) -> None:
        installed = shutil.which("promtool")
        program = "usr/bin/promtool"
        root = Path("/") if installed else unpacked("prometheus", ["prometheus"], [program])
        self._program = Path(installed) if installed else root / program

    def complaints(self, page: bytes) -> str:
        """What promtool says of a page that is not as it should be; empty if all is well."""
        done = subprocess.run(
            [self._program, "check", "metrics"],
            input=page,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        said = done.stdout.decode()
        return said or (f"exit code {done.returncode}" if done.returncode else "")

    def check_rules(self, file: Path) -> str:
        """Read a file of rules; raises ServerFailed where Prometheus would refuse it."""
        return run([self._program, "check", "rules", file])
