"""mailvault as its users run it: a configuration, an archive, and the command line."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mailvault import wiring
from mailvault.config.load import load
from tests.oracle import Holdings, Seen
from tests.servers.process import HOST
from tests.servers.users import MailUser

PROGRAM = Path(sys.executable).with_name("mailvault")
RUN_SECONDS = 1_800
"""For what hangs. Of most tests pytest's own limit ends sooner, and says where."""
BUSY = 75

# A JSON document; the tests look into it by key.
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    code: int
    stdout: bytes
    stderr: str

    def lines(self) -> list[Json]:
        """Read JSON Lines."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    def document(self) -> Json:
        """Read one JSON object."""
        document: Json = json.loads(self.stdout)
        return document


class Vault:
    """An archive in ``folder`` with one account, ``work``, at ``port``."""

    def __init__(
        self,
        folder: Path,
        user: MailUser,
        *,
        port: int | None = None,
        settings: str = "",
        program: Path = PROGRAM,
        store: str = "sqlite",
    ) -> None:
        self.store = store
        self.user = user
        self.folder = folder
        self.archive = folder / "archive"
        self.configuration = folder / "mailvault.toml"
        self._program = program
        self.configure(user, port=port, settings=settings)

    def configure(self, user: MailUser, *, port: int | None = None, settings: str = "") -> None:
        """Write the configuration. ``settings`` are more lines of the account, and win."""
        account = {
            "protocol": '"imap"',
            "host": f'"{HOST}"',
            "port": str(port or user.port),
            "tls": '"none"',
            "user": f'"{user.name}"',
            "password": f'"{user.password}"',
        }
        chosen = [line.split("=", 1) for line in settings.splitlines() if line.strip()]
        account |= {key.strip(): value.strip() for key, value in chosen}
        lines = "".join(f"{key} = {value}\n" for key, value in account.items())
        self.configuration.write_text(
            f'[archive]\npath = "archive"\nstore = "{self.store}"\n\n[accounts.work]\n{lines}',
            encoding="utf-8",
        )
        self.configuration.chmod(0o600)

    def command(self, *arguments: str) -> list[str]:
        return [str(self._program), "--config", str(self.configuration), *arguments]

    def environment(self) -> dict[str, str]:
        """What the command sees: nothing of the person who runs the tests."""
        kept = {key: os.environ[key] for key in ("PATH", "TMPDIR") if key in os.environ}
        return kept | {"HOME": str(self.folder), "LANG": "C.UTF-8", "TZ": "Asia/Kathmandu"}

    def run(self, *arguments: str, code: int = 0) -> Outcome:
        """Run a command to its end, which must be exit code ``code``."""
        outcome = self.attempt(*arguments)
        words = " ".join(arguments)
        assert outcome.code == code, f"mailvault {words}: exit {outcome.code}\n{outcome.stderr}"
        return outcome

    def run_when_free(self, *arguments: str) -> None:
        """Run a command, again and again while a daemon has the archive."""
        end = time.monotonic() + RUN_SECONDS
        while (outcome := self.attempt(*arguments)).code == BUSY and time.monotonic() < end:
            pass
        assert outcome.code == 0, outcome.stderr

    def attempt(self, *arguments: str) -> Outcome:
        """Run a command to its end, whatever comes of it."""
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr.decode(errors="replace"))

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command, to be disturbed."""
        return subprocess.Popen(
            self.command(*arguments),
            env=self.environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def init(self) -> None:
        """Make the archive as ``init`` does, sooner than a process of its own could."""
        if self._program != PROGRAM:
            self.run("init")
        else:
            wiring.create_archive(load(self.configuration)).close()

    def sync(self, *arguments: str, code: int = 0) -> Json:
        """Sync, and give what it reported."""
        return self.run("sync", "--json", *arguments, code=code).document()

    def placements(self, *arguments: str) -> list[Json]:
        return self.run("list", "--json", *arguments).lines()

    def holdings(self, *arguments: str) -> dict[tuple[str, int], Seen]:
        """What the archive says the account holds, in the oracle's words."""
        placements = self.placements(*arguments)
        held = {
            (placement["mailbox"], int(placement["remote_id"])): _seen(placement)
            for placement in placements
        }
        assert len(held) == len(placements), "a message is listed twice"
        return held

    def stored_octets(self) -> int:
        """The size of everything in the archive's folder."""
        return sum(path.stat().st_size for path in self.archive.rglob("*") if path.is_file())


def new_vault(folder: Path, user: MailUser, *, store: str = "sqlite") -> Vault:
    """An archive of its own for each try."""
    folder.mkdir()
    vault = Vault(folder, user, store=store)
    vault.init()
    return vault


def totals(report: Json, of: str) -> int:
    """Sum one count of a sync report over all mailboxes."""
    return sum(
        mailbox[of] for account in report["accounts"] for mailbox in account["mailboxes"]
    )


def difference(
    held: dict[tuple[str, int], Seen], holdings: Holdings, *, limit: int = 5
) -> Sequence[str]:
    """Say in a few lines where archive and server are not the same; nothing if they are."""
    served = holdings.messages
    lines = [f"missing: {key}" for key in served.keys() - held.keys()]
    lines += [f"not on the server: {key}" for key in held.keys() - served.keys()]
    lines += [
        f"{key}: archive {held[key]}, server {served[key]}"
        for key in held.keys() & served.keys()
        if held[key] != served[key]
    ]
    return sorted(lines)[:limit]


def _seen(placement: Json) -> Seen:
    return Seen(
        digest=placement["digest"],
        size=placement["size"],
        flags=frozenset(placement["flags"]),
        internal_date=datetime.fromisoformat(placement["internal_date"]),
    )
