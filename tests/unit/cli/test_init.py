"""`init` makes what is missing and never changes what is there."""

import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mailvault.config.load import load
from mailvault.config.model import CommandSecret
from tests.unit.cli.program import Outcome, Setting, run_program

ACCOUNT = ("--account", "work", "--host", "imap.example.com", "--user", "me@example.com")


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("MAILVAULT_CONFIG", raising=False)
    return tmp_path


def init(*arguments: str) -> Outcome:
    return run_program("init", *arguments)


def test_options_answer_every_question(empty: Path) -> None:
    outcome = init("--path", "mail", *ACCOUNT, "--password-command", "pass show 'mail work'")

    configuration = load(empty / ".config/mailvault/config.toml")
    account = configuration.accounts["work"]
    assert outcome.code == 0
    assert configuration.archive.path == empty / "mail"
    assert (account.host, account.port, account.tls) == ("imap.example.com", 993, "implicit")
    assert account.secret == CommandSecret(("pass", "show", "mail work"))
    assert (empty / "mail" / "archive.toml").is_file()


def test_every_option_reaches_the_configuration(empty: Path) -> None:
    outcome = init(
        "--path", "~/mail", "--store", "sqlite", *ACCOUNT, "--protocol", "imap",
        "--tls", "starttls", "--port", "1143", "--ca-file", "ca.pem",
        "--tls-fingerprint", "sha256:" + "ab" * 32, "--insecure", "--password-file", "s e c",
    )  # fmt: skip

    account = load(empty / ".config/mailvault/config.toml").accounts["work"]
    assert outcome.code == 0, outcome.stderr
    assert (account.tls, account.port, account.insecure) == ("starttls", 1143, True)
    assert account.ca_file == empty / "ca.pem"
    assert account.tls_fingerprint == "sha256:" + "ab" * 32


def test_files_are_private_whatever_the_umask(empty: Path) -> None:
    before = os.umask(0)
    try:
        init("--path", "mail")
    finally:
        os.umask(before)

    configuration = empty / ".config/mailvault/config.toml"
    assert stat.S_IMODE(configuration.stat().st_mode) == 0o600
    assert stat.S_IMODE((empty / "mail").stat().st_mode) == 0o700


def test_the_configuration_goes_where_it_was_asked_to(empty: Path) -> None:
    outcome = run_program("--config", "here.toml", "init", "--path", "mail")

    assert outcome.code == 0
    assert load(empty / "here.toml").archive.path == empty / "mail"


def test_without_an_account_the_file_shows_how_to_add_one(empty: Path) -> None:
    init("--path", "mail")

    path = empty / ".config/mailvault/config.toml"
    assert not load(path).accounts
    path.write_text(path.read_text().replace("\n# ", "\n"))
    assert list(load(path).accounts) == ["work"]


def test_a_second_init_changes_nothing_and_says_so(empty: Path) -> None:
    init("--path", "mail", *ACCOUNT)
    configuration = empty / ".config/mailvault/config.toml"
    before = configuration.read_bytes()

    outcome = init()
    again = init("--path", "mail", *ACCOUNT)

    assert (outcome.code, again.code) == (0, 0)
    assert outcome.stdout.count("was already there") == 2
    assert configuration.read_bytes() == before


def test_without_its_configuration_an_archive_says_which_accounts_it_holds(
    empty: Path,
) -> None:
    init("--path", "mail")
    (empty / "letter.eml").write_bytes(b"Subject: hello\n\nyes\n")
    run_program("import", "letter.eml", "--account", "old")
    (empty / ".config/mailvault/config.toml").unlink()

    again = init("--path", "mail", *ACCOUNT)
    document = init("--json").document()

    assert again.code == 0
    assert "it holds what the configuration does not name: old\n" in again.stdout
    assert document["unconfigured"] == ["old"]


def test_an_archive_without_configuration_is_configured_as_what_it_is(empty: Path) -> None:
    init("--path", "mail", "--store", "maildir")
    configuration = empty / ".config/mailvault/config.toml"
    configuration.unlink()

    refused = init("--path", "mail", "--store", "sqlite")
    again = init("--path", "mail")

    assert refused.code == 2
    assert "has the store maildir" in refused.stderr
    assert again.code == 0
    assert 'store = "maildir"' in configuration.read_text()
    assert run_program("verify").code == 0


def test_a_configuration_that_exists_gets_its_archive(setting: Setting) -> None:
    report = setting.run("init", "--json").document()

    assert report["archive_created"]
    assert not report["configuration_created"]
    assert report["archive"] == str(setting.archive)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--path", "elsewhere"], "archive.path"),
        (["--store", "maildir"], "archive.store"),
        (["--account", "other", "--host", "h", "--user", "u"], "the account is not in it"),
        (["--account", "work", "--host", "other.example.com"], "the account is not in it"),
    ],
)
def test_options_that_contradict_the_configuration_are_refused(
    empty: Path, arguments: list[str], said: str
) -> None:
    init("--path", "mail", *ACCOUNT)

    outcome = init(*arguments)

    assert outcome.code == 2
    assert said in outcome.stderr
    assert "never overwritten" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--path is missing"),
        (["--path", "mail", "--account", "work"], "--host is missing"),
        (["--path", "mail", "--host", "h"], "the account has no name"),
        (["--path", "mail", *ACCOUNT, "--tls", "ssl"], "accounts.work.tls: must be one of"),
        (["--path", "mail", *ACCOUNT, "--port", "70000"], "accounts.work.port"),
        (["--path", "mail", *ACCOUNT, "--store", "mbox"], "archive.store"),
        (
            ["--path", "mail", *ACCOUNT, "--keyring", "--password-env", "X"],
            "has password_env and keyring; keep one of them",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_wrong_answer_is_named_and_nothing_is_made(
    empty: Path, arguments: list[str], said: str
) -> None:
    outcome = init(*arguments)

    assert outcome.code == 2
    assert said in outcome.stderr
    assert not list(empty.iterdir())


def test_a_folder_that_holds_something_else_is_refused(empty: Path) -> None:
    (empty / "mail").mkdir()
    (empty / "mail" / "something").touch()

    outcome = init("--path", "mail")

    assert outcome.code == 2
    assert [path.name for path in (empty / "mail").iterdir()] == ["something"]
    assert not (empty / ".config").exists()


def test_questions_are_asked_on_a_terminal(empty: Path) -> None:
    answers = ["mail", "work", "", "imap.example.com", "me", "pass show work"]

    code, said = on_a_terminal(["init"], answers, empty)

    account = load(empty / ".config/mailvault/config.toml").accounts["work"]
    assert code == 0, said
    assert (account.protocol, account.host, account.user) == ("imap", "imap.example.com", "me")
    assert account.secret == CommandSecret(("pass", "show", "work"))
    assert "Folder of the archive [~/mailvault]: " in said


def test_a_terminal_that_hangs_up_is_no_answer(empty: Path) -> None:
    code, said = on_a_terminal(["init"], ["mail", "\x04"], empty)

    assert code == 2, said
    assert "there was no answer" in said


def on_a_terminal(arguments: list[str], answers: list[str], home: Path) -> tuple[int, str]:
    """Run the program with a terminal for its input and its errors."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", "from mailvault.cli.app import main; main()", *arguments],
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=follower,
        cwd=home,
        start_new_session=True,
    ) as process:
        os.close(follower)
        os.write(leader, "".join(f"{answer}\n" for answer in answers).encode())
        process.communicate(timeout=30)
        said = read_all(leader)
    return process.returncode, said


def read_all(leader: int) -> str:
    said = bytearray()
    try:
        while chunk := os.read(leader, 65536):
            said += chunk
    except OSError:  # EIO: the other side is closed
        pass
    os.close(leader)
    return said.decode()
