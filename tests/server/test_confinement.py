"""What the units forbid, mailvault never does."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mailvault.config.load import load
from mailvault.daemon.units import Installation, daemon_units
from tests.server.unattended import RunningDaemon, schedule
from tests.server.vault import Vault
from tests.servers.users import MailUser
from tests.unit.daemon.test_units import analyze

pytestmark = pytest.mark.server


def groups() -> dict[str, set[str]]:
    """systemd's groups of system calls; a group may hold others."""
    found: dict[str, set[str]] = {}
    members: set[str] = set()
    for line in analyze("syscall-filter", "--no-pager").stdout.splitlines():
        words = line.split("#")[0].split()
        if line.startswith("@"):
            members = found.setdefault(words[0], set())
        elif line.startswith(" ") and words:
            members.add(words[0])
    return found


def expanded(group: str, known: dict[str, set[str]]) -> set[str]:
    calls = known[group]
    inner = (expanded(each, known) for each in calls if each.startswith("@"))
    return {each for each in calls if not each.startswith("@")}.union(*inner)


def allowed(unit: str) -> set[str]:
    """The system calls that the filters of a unit let pass."""
    known, calls = groups(), set[str]()
    for value in re.findall("^SystemCallFilter=(.*)$", unit, re.MULTILINE):
        for group in value.lstrip("~").split():
            named = expanded(group, known)
            calls = calls - named if value.startswith("~") else calls | named
    return calls


def test_the_service_may_do_all_that_the_daemon_does(
    vault: Vault, furnished_user: MailUser, tmp_path: Path
) -> None:
    strace = shutil.which("strace")
    if strace is None:
        assert os.environ.get("CI") != "true", "strace is not installed"
        pytest.skip("strace is not installed")
    vault.configure(furnished_user, settings="watch = true")
    schedule(vault, 'sync = "1h"\nverify = "1h"')
    log = tmp_path / "strace.log"
    command = [strace, "-f", "-qq", "-o", str(log), *vault.command("daemon")]
    with RunningDaemon(command, vault.environment(), vault.folder) as daemon:
        daemon.wait_for_log("sync work: ", count=2)
        pid = subprocess.run(
            ["pgrep", "-P", str(daemon.process.pid)], capture_output=True, text=True, check=True
        ).stdout.split()[0]
        subprocess.run(["kill", "-TERM", pid], check=True)
        daemon.process.wait(60)
    (unit,) = daemon_units(Installation(Path("/usr/bin/mailvault"), load(vault.configuration)))

    traced = log.read_text(errors="replace")
    made = set(re.findall(r"^[0-9]+ +([a-z_0-9]+)\(", traced, re.MULTILINE))

    assert made - allowed(unit.content) - {"execve"} == set()
    assert not re.search(r"(?:mmap|mprotect)\(.*PROT_WRITE\|PROT_EXEC", traced)
    families = set(re.findall(r"^[0-9]+ +socket\((AF_[A-Z0-9]+)", traced, re.MULTILINE))
    (permitted,) = re.findall("^RestrictAddressFamilies=(.*)$", unit.content, re.MULTILINE)
    assert families <= set(permitted.split())
