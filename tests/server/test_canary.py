"""No secret stands in anything that mailvault prints, writes or starts, whatever happens."""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import zstandard

from mailvault.cli.registry import COMMANDS
from tests.corpus.ordinary import generate
from tests.server.accounts import append_all
from tests.server.token_vault import TokenVault
from tests.server.vault import RUN_SECONDS, Vault
from tests.servers.dovecot import Dovecot
from tests.servers.oauth_provider import OAuthProvider
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server

CANARY = "kanarienvogel-4711-tirilierte-laut"


class Watched:
    """A vault whose every output is kept, and looked through with all files at the end."""

    def __init__(self, vault: Vault, secrets: Sequence[str], homes: Sequence[Path]) -> None:
        self.vault, self.secrets = vault, secrets
        self.homes = set(homes)  # where the secrets may stand, because somebody put them there
        self.environment: dict[str, str] = {}
        self.outputs: dict[str, bytes] = {}

    def run(self, *arguments: str, program: Sequence[str] | None = None) -> bytes:
        """Run a command, however it ends; give all that it said."""
        command = program or self.vault.command("-vv", *arguments)
        done = subprocess.run(
            command,
            env=self.vault.environment() | self.environment,
            cwd=self.vault.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=RUN_SECONDS,
            check=False,
        )
        self.outputs[" ".join(arguments)] = done.stdout
        return done.stdout

    def run_all(self, commands: Sequence[str]) -> None:
        """Sync, then run commands in ways that end well and in ways that do not."""
        self.run("--log-format", "json", "check", "--json")
        self.run("sync", "--json")
        self.run("sync", "--dry-run")
        digest = self.vault.placements()[0]["digest"]
        for words in commands:
            self.run(*words.format(digest=digest).split())
        with self.vault.configuration.open("a") as file:
            file.write('\n[schedule]\nsync = "5s"\nverify = "1h"\n')
            file.write('[metrics]\ntextfile = "x.prom"\n[status]\nfile = "status.json"\n')
        for words in ("run --due", "schedule", "service print"):
            self.run("-v", *words.split())
        daemon = self.vault.command("-vv", "daemon")
        self.run("daemon", program=["timeout", "--signal", "TERM", "10", *daemon])

    def finds(self) -> list[str]:
        """Name every output and file that holds a secret in any guise."""
        files = {path for path in self.vault.folder.rglob("*") if path.is_file()} - self.homes
        found = [words for words, said in self.outputs.items() if self._sings(said)]
        return found + [str(path) for path in files if self._sings(content_of(path))]

    def _sings(self, octets: bytes) -> bool:
        return any(guise in octets for secret in self.secrets for guise in guises(secret))


def guises(secret: str) -> Iterator[bytes]:
    """A secret as it is, and inside base64 at each of its three alignments."""
    octets = secret.encode()
    yield octets
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + octets)
        yield encoded[4 if before else 0 : -4]


def content_of(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix != ".zst":
        return content
    reader = zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True)
    return content + reader.read()


@pytest.fixture
def person(dovecot: Dovecot) -> MailUser:
    user = new_user(dovecot, CANARY)
    with user.session() as session:
        append_all(session, "INBOX", generate(3, 4))
    return user


ASKING = (
    "status", "status --json", "mailboxes --remote", "log --json", "login work --status",
    "login work --logout --status", "restore work --to work --dry-run", "run --due --json",
    "status --check", "doctor", "doctor --json",
)  # fmt: skip
"""Those that ask the server, or say how that went."""

EVERY = (
    *ASKING,
    "init", "demo", "mailboxes", "list", "show {digest}", "cat {digest}", "log",
    "verify", "verify --json", "rebuild", "check nobody",
    "export out --format mbox", "sync --mailbox [", "no-such-command", "show zzzz",
    "accept", "diff 1 now", "history {digest}", "import out --account files",
    "migrate work work --dry-run", "copy copy", "notify test",
    "convert converted --store maildir", "prune --keep-last 1 --dry-run", "repair",
    "drill", "schedule", "schedule --json", "service print", "service print --timer",
    "service print --cron", "run", "run --due", "metrics",
    "metrics --textfile all.prom", "doctor --show-names --offline",
)  # fmt: skip


def in_the_file(watched: Watched) -> str:
    watched.homes.add(watched.vault.configuration)
    return f'password = "{CANARY}"'


def in_a_file(watched: Watched) -> str:
    return f'password_file = "{_secret_file(watched)}"'


def by_a_command(watched: Watched) -> str:
    return f'password_command = "cat {_secret_file(watched)}"'


def in_the_environment(watched: Watched) -> str:
    watched.environment["WORK_PASSWORD"] = CANARY
    return 'password_env = "WORK_PASSWORD"'


def in_a_credential(watched: Watched) -> str:
    watched.environment["CREDENTIALS_DIRECTORY"] = str(_secret_file(watched).parent)
    return ""


def in_a_key_ring(watched: Watched) -> str:
    """A key ring library that answers from a file, in place of a desktop's."""
    library = watched.vault.folder / "library"
    library.mkdir()
    (library / "keyring.py").write_text(
        "from pathlib import Path\n"
        "class errors:\n    class KeyringError(Exception): pass\n"
        f"def get_password(*_):\n    return Path({str(_secret_file(watched))!r}).read_text()\n"
    )
    watched.environment["PYTHONPATH"] = str(library)
    return "keyring = true"


def _secret_file(watched: Watched) -> Path:
    folder = watched.vault.folder / "secrets"
    folder.mkdir()
    path = folder / "work"
    path.write_text(CANARY)
    path.chmod(0o600)
    watched.homes.add(path)
    return path


PLACES = (
    in_the_file,
    in_a_file,
    by_a_command,
    in_the_environment,
    in_a_credential,
    in_a_key_ring,
)


def watched_vault(folder: Path, user: MailUser, place: Callable[[Watched], str]) -> Watched:
    vault = Vault(folder, user)
    watched = Watched(vault, [CANARY], [])
    kept = place(watched)
    lines = vault.configuration.read_text().splitlines()
    lines = [line for line in lines if not line.startswith("password")]
    vault.configuration.write_text("\n".join([*lines, kept]) + "\n")
    vault.configuration.chmod(0o600)
    vault.run("init")
    return watched


@pytest.mark.timeout(900)  # some fifty processes one after the other
def test_no_command_shows_or_writes_the_password(tmp_path: Path, person: MailUser) -> None:
    watched = watched_vault(tmp_path, person, in_the_file)

    watched.run_all(EVERY)

    ran = {word for words in watched.outputs for word in words.split()}
    assert {name for name, _, _ in COMMANDS} <= ran
    assert watched.finds() == []


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_wherever_the_password_is_from_it_stays_there(
    tmp_path: Path, person: MailUser, place: Callable[[Watched], str]
) -> None:
    watched = watched_vault(tmp_path, person, place)

    watched.run("sync", "--json")
    watched.run("mailboxes", "--remote")

    assert watched.vault.placements()
    assert watched.finds() == []


def test_a_refused_password_is_not_shown(tmp_path: Path, dovecot: Dovecot) -> None:
    watched = watched_vault(tmp_path, new_user(dovecot, "another password"), in_a_file)

    for mechanism in ("plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256"):
        text = watched.vault.configuration.read_text()
        watched.vault.configuration.write_text(text + f'auth = "{mechanism}"\n')
        said = watched.run("sync", "work", "--json")
        assert b"refused the login" in said
        watched.vault.configuration.write_text(text)

    assert watched.finds() == []


CRASHES = {
    "while logging in": "mailvault.transport.sasl.Plain.initial = property(crash)",
    "while asking": "mailvault.transport.imap.ImapClient.list_mailboxes = crash",
    "while the secret is in hand": "mailvault.protocols.imap.commands.authenticate = crash",
    "while reading the secret": "mailvault.config.secrets._first_line = crash",
}


@pytest.mark.parametrize("sabotage", CRASHES.values(), ids=CRASHES.keys())
def test_a_crash_shows_no_password(tmp_path: Path, person: MailUser, sabotage: str) -> None:
    watched = watched_vault(tmp_path, person, in_a_file)
    with watched.vault.configuration.open("a") as file:
        file.write('auth = "plain"\n')
    arguments = watched.vault.command("-vv", "sync")[1:]
    code = (
        "import sys, mailvault.cli.app, mailvault.transport.imap, mailvault.transport.sasl\n"
        "import mailvault.config.secrets, mailvault.protocols.imap.commands\n"
        "def crash(*arguments, **more): raise RuntimeError('sabotage')\n"
        f"{sabotage}\nsys.argv = ['mailvault', *{arguments!r}]\nmailvault.cli.app.main()\n"
    )

    said = watched.run("sync", program=[sys.executable, "-c", code])

    assert b"Traceback" in said
    assert b"this is a bug" in said
    assert watched.finds() == []


def test_the_process_shows_no_password_and_leaves_no_core(
    tmp_path: Path, person: MailUser
) -> None:
    watched = watched_vault(tmp_path, person, in_a_file)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    script = f"read line < {gate}; cat {tmp_path}/secrets/work"
    text = re.sub(
        r"password_file = .*",
        f"password_command = ['/bin/sh', '-c', '{script}']",
        watched.vault.configuration.read_text(),
    )
    watched.vault.configuration.write_text(text)

    process = watched.vault.start("-vv", "sync")
    with gate.open("w") as opened:  # opens once the command reads: the program is under way
        folder = Path("/proc") / str(process.pid)
        words, limits = (folder / "cmdline").read_bytes(), (folder / "limits").read_text()
        opened.write("go on\n")
    output, errors = process.communicate(timeout=60)

    assert process.returncode == 0, errors
    assert CANARY.encode() not in words + output + errors
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)


@pytest.mark.parametrize("place", [in_the_environment, by_a_command], ids=["env", "command"])
def test_nothing_that_is_started_gets_the_password(
    tmp_path: Path, person: MailUser, place: Callable[[Watched], str]
) -> None:
    watched = watched_vault(tmp_path, person, place)
    trace = tmp_path.parent / f"{tmp_path.name}.trace"
    strace = f"strace -f -v -s 100000 -e trace=execve -o {trace}".split()

    watched.run("sync", program=[*strace, *watched.vault.command("-vv", "sync")])

    started = [line for line in trace.read_text().splitlines() if "execve(" in line]
    arguments = [line[: line.index("], [")] for line in started]
    assert not any(CANARY in line for line in arguments)
    assert not any(CANARY in line for line in started[1:] if '["cat"' not in line)
    trace.unlink()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "commands",
    [
        pytest.param(ASKING, id="that asks"),
        pytest.param(EVERY, id="at all", marks=pytest.mark.torture),
    ],
)
def test_no_command_shows_or_writes_a_token(
    tmp_path: Path,
    oauth_dovecot: Dovecot,
    oauth_provider: OAuthProvider,
    commands: Sequence[str],
) -> None:
    user = new_user(oauth_dovecot)
    with user.session() as session:
        append_all(session, "INBOX", generate(3, 4))
    vault = TokenVault(tmp_path, user, oauth_provider)
    tokens = [vault.provider.tokens(user.name)]
    vault.keep(tokens[0], is_stale=True)
    vault.sync()
    kept = vault.kept()
    known = [
        str(each[key]) for each in (*tokens, kept) for key in ("access_token", "refresh_token")
    ]
    watched = Watched(vault, known, [vault.token_file])

    watched.run_all(commands)
    vault.keep(tokens[0], is_stale=True)
    said = watched.run("sync", "work")

    assert b"needs a login" in said
    assert watched.finds() == []
