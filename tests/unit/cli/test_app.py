"""How commands begin and end: help, usage, errors, exit codes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mailvault import __version__
from mailvault.cli import invocation
from mailvault.cli.registry import COMMANDS
from mailvault.errors import MailvaultError
from tests.unit.cli.program import Setting, run_program

NAMES = [name for name, _, _ in COMMANDS]
CONTRACT = (
    *("accept", "demo", "init", "login", "check", "sync", "status", "mailboxes", "list"),
    *("show", "cat", "log", "diff", "history", "export", "import", "restore", "migrate"),
    *("verify", "rebuild", "repair", "copy", "convert", "prune", "drill"),
    *("daemon", "run", "schedule", "service", "metrics", "doctor", "notify"),
)
VERBS = {
    *("Create", "Say", "Bring", "Show", "List", "Write", "Prove", "Make", "Sign"),
    *("Run", "Do", "Print", "Put", "Move", "Take", "Heal", "Copy", "Forget"),
    *("Restore", "Try"),
}


def test_the_commands_of_the_contract_are_there() -> None:
    assert sorted(NAMES) == sorted(CONTRACT)


@pytest.mark.parametrize("name", NAMES)
def test_help_begins_with_a_verb_and_ends_with_the_exit_codes(name: str) -> None:
    outcome = run_program(name, "--help")

    paragraphs = [" ".join(text.split()) for text in outcome.stdout.strip().split("\n\n")]
    assert outcome.code == 0
    assert paragraphs[1].split()[0].rstrip(",") in VERBS
    assert paragraphs[1].split(". ")[0].rstrip().endswith(".") or ". " in paragraphs[1]
    assert re.match(
        r"Exit codes: 0 done; 1 .*130 interrupted; 143 terminated\.$", paragraphs[-1]
    )


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"cat", "daemon", "metrics", "service"}))
def test_every_command_that_reports_takes_json(name: str) -> None:
    assert "--json" in run_program(name, "--help").stdout


def test_no_help_line_of_a_command_is_cut() -> None:
    assert "..." not in run_program("--help").stdout.split("Commands:")[1]


def test_help_for_the_program_imports_neither_sql_nor_rich() -> None:
    heavy = ("sqlalchemy", "rich", "zstandard", "alembic", "ssl", "email", "tomllib")
    code = f"""
import contextlib, io, sys
from mailvault.cli.app import run
with contextlib.redirect_stdout(io.StringIO()):
    code = run(["--help"])
print(code, [name for name in {heavy!r} if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "0 []"


def test_the_version_is_shown() -> None:
    assert run_program("--version").stdout == f"mailvault {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["snyc"], "sync"),
        (["--log-format", "xml", "status"], "must be text or json"),
        (["list", "--no-such-option"], "--no-such-option"),
        (["log", "--limit", "0"], "--limit"),
        (
            ["verify", "--sample", "many"],
            "--sample is a share of 100, not many\n  a number such",
        ),
        (["drill", "--sample", "nan"], "--sample is a share of 100, not nan\n  a number such"),
        (
            ["--config", "/", "status"],
            "/ is a folder, and the configuration is a file\n  name the",
        ),
        (["cat"], "ID"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_slip_on_the_command_line_is_named(arguments: list[str], said: str) -> None:
    outcome = run_program(*arguments)

    assert outcome.code == 2
    assert outcome.stdout == ""
    assert said in outcome.stderr


def test_no_configuration_is_a_usage_error_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("MAILVAULT_CONFIG", raising=False)

    outcome = run_program("status")

    assert outcome.code == 2
    assert "mailvault init" in outcome.stderr


def test_every_mistake_of_the_configuration_is_printed(setting: Setting) -> None:
    setting.configure(work='protocol = "imap"\nprot = 3\nport = 0\nhost = "h"\nuser = "u"')

    outcome = setting.run("status")

    assert outcome.code == 2
    assert 'accounts.work.prot: unknown key, did you mean "port"?' in outcome.stderr
    assert "accounts.work.port: must be a number from 1 to 65535, not 0" in outcome.stderr


def test_an_archive_that_is_not_there_is_exit_code_20(setting: Setting) -> None:
    outcome = setting.run("status")

    assert outcome.code == 20
    assert str(setting.archive) in outcome.stderr


def test_errors_are_json_lines_when_asked_for(setting: Setting) -> None:
    outcome = setting.run("status", "--log-format=json")

    (line,) = outcome.stderr.splitlines()
    assert '"level": "error"' in line
    assert '"exit_code": 20' in line


def test_an_unknown_account_is_compared_with_the_known_ones(
    setting: Setting, account: str
) -> None:
    setting.configure(work=account)

    outcome = setting.run("check", "wrok")

    assert outcome.code == 2
    assert "there is no account 'wrok', did you mean \"work\"?" in outcome.stderr


def test_no_account_at_all_is_told(setting: Setting) -> None:
    outcome = setting.run("check")

    assert outcome.code == 2
    assert "holds no account" in outcome.stderr


def test_a_bug_ends_with_a_traceback_and_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(invocation, "os", None)

    outcome = run_program("status")

    assert outcome.code == 1
    assert "Traceback" in outcome.stderr
    assert "this is a bug" in outcome.stderr


def test_every_failure_has_an_exit_code_of_the_contract() -> None:
    contract = {1, 2, 3, 4, 10, 11, 12, 20, 21, 75}

    def classes(root: type[MailvaultError]) -> list[type[MailvaultError]]:
        return [root, *(each for child in root.__subclasses__() for each in classes(child))]

    assert {each.exit_code for each in classes(MailvaultError)} <= contract
