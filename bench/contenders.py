"""The programs that are measured, and how each is set up to do the same work."""

import shutil
import sys
from pathlib import Path

from bench.mailbox import ServedMail
from bench.measure import Cost, folder_octets, run

MAILVAULT = Path(sys.executable).with_name("mailvault")


def bare_wire(served: ServedMail) -> float:
    """Seconds to read every message over one connection and throw it away."""
    cost = run(
        [sys.executable, "-m", "bench.wire", served.host, str(served.port), served.user,
         served.password, *served.wire_names]
    )  # fmt: skip
    return float(cost.output.split()[0])


def bare_pop3(served: ServedMail) -> float:
    """Seconds to read the whole INBOX by POP3, pipelined, and throw it away."""
    cost = run(
        [sys.executable, "-m", "bench.wire_pop3", served.host, str(served.pop3_port),
         served.user, served.password]
    )  # fmt: skip
    return float(cost.output.split()[0])


def mbsync(served: ServedMail, folder: Path) -> Cost:
    """A first pull into an empty Maildir, with isync's own defaults."""
    target = folder / "mbsync"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    configuration = target / "mbsyncrc"
    configuration.write_text(
        f"""\
IMAPStore far
Host {served.host}
Port {served.port}
User {served.user}
Pass {served.password}
SSLType None

MaildirStore near
Path {target}/mail/
Inbox {target}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Near
Sync Pull
SyncState *
"""
    )
    (target / "mail").mkdir()
    return run(["mbsync", "-q", "-c", configuration, "-a"])


def mbsync_push(served: ServedMail, user: str, folder: Path) -> Cost:
    """A first push of what `mbsync` pulled into an empty account, with isync's own defaults."""
    pulled = folder / "mbsync"
    state = folder / "mbsync-state"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir()
    configuration = state / "mbsyncrc"
    configuration.write_text(
        f"""\
IMAPStore far
Host {served.host}
Port {served.port}
User {user}
Pass {served.password}
SSLType None

MaildirStore near
Path {pulled}/mail/
Inbox {pulled}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Far
Sync Push
SyncState {state}/
CopyArrivalDate yes
"""
    )
    return run(["mbsync", "-q", "-c", configuration, "-a"])


class Mailvault:
    """The command of this checkout, with a configuration of its own."""

    def __init__(self, served: ServedMail, folder: Path, *, protocol: str = "imap") -> None:
        self.archive = folder / "mailvault"
        self._served = served
        self._configuration = folder / "mailvault.toml"
        self._configuration.write_text(
            f"""\
[archive]
path = "{self.archive}"

[accounts.bench]
protocol = "{protocol}"
host = "{served.host}"
port = {served.pop3_port if protocol == "pop3" else served.port}
tls = "none"
user = "{served.user}"
password = "{served.password}"
"""
        )
        self._configuration.chmod(0o600)

    def first_sync(self) -> Cost:
        """`init` and `sync` into an archive that does not exist yet; `init` is not counted."""
        shutil.rmtree(self.archive, ignore_errors=True)
        self._run("init")
        return self.sync()

    def sync(self) -> Cost:
        return self._run("sync", "--json")

    def verify(self) -> Cost:
        return self._run("verify", "--json")

    def restore(self, user: str) -> Cost:
        """Put everything into an account, which stands in the configuration for this once."""
        written = self._configuration.read_text()
        self._configuration.write_text(
            f"""{written}
[accounts.target]
protocol = "imap"
host = "{self._served.host}"
port = {self._served.port}
tls = "none"
user = "{user}"
password = "{self._served.password}"
"""
        )
        try:
            return self._run("restore", "bench", "--to", "target", "--verify", "none", "--json")
        finally:
            self._configuration.write_text(written)

    def octets(self) -> int:
        """Everything in the archive's folder."""
        return folder_octets(self.archive)

    def _run(self, *arguments: str) -> Cost:
        return run([MAILVAULT, "--config", self._configuration, *arguments])


def interpreter(statement: str) -> Cost:
    """A fresh interpreter that executes one statement."""
    return run([sys.executable, "-c", statement])


def help_text() -> Cost:
    return run([MAILVAULT, "--help"])


def restic(maildir: Path, folder: Path) -> tuple[Cost, int]:
    """A first backup of the same mail as files, and the size of its repository."""
    repository = folder / "restic"
    shutil.rmtree(repository, ignore_errors=True)
    environment = {"RESTIC_REPOSITORY": str(repository), "RESTIC_PASSWORD": "bench"}
    environment["RESTIC_CACHE_DIR"] = str(folder / "restic-cache")
    run(["restic", "init", "-q"], environment=environment)
    cost = run(["restic", "backup", "-q", maildir], environment=environment)
    octets = folder_octets(repository)
    shutil.rmtree(repository)
    return cost, octets


def tar_zstd(maildir: Path, folder: Path) -> tuple[Cost, int]:
    """One solid stream of the same mail: small, but nothing can be taken out of it."""
    target = folder / "mail.tar.zst"
    pipeline = 'tar -C "$0" -cf - . | zstd -q -9 --long -T1 -f -o "$1"'
    cost = run(["sh", "-c", pipeline, maildir, target])
    octets = target.stat().st_size
    target.unlink()
    return cost, octets


def is_installed(*programs: str) -> bool:
    return all(shutil.which(program) for program in programs)
