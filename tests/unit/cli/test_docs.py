"""The pages for users say what the program does: its commands, options, exit codes, JSON."""

import json
import re
from pathlib import Path

import pytest

from mailvault.cli.exit_codes import EXIT_CODES
from mailvault.cli.registry import COMMANDS
from tests.unit.cli.program import Setting, run_program

DOCS = Path(__file__).parents[3] / "docs"
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
EVERYWHERE = {"--help", "--config", "--log-format", "--version", "--verbose", "--quiet"}


def sections(page: str) -> dict[str, str]:
    """Give each section of a page by its title."""
    pieces = re.split(r"^## (.*)$", (DOCS / page).read_text(), flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def section_of(command: str) -> str:
    return next(
        text for title, text in sections("commands.md").items() if command in title.split(", ")
    )


def test_the_command_table_is_what_is_registered() -> None:
    table = re.findall(
        r"^\| `mailvault ([a-z]+)", (DOCS / "commands.md").read_text(), re.MULTILINE
    )

    assert sorted(table) == sorted(name for name, _, _ in COMMANDS)


@pytest.mark.parametrize("name", [name for name, _, _ in COMMANDS])
def test_no_page_names_an_option_that_does_not_exist(name: str) -> None:
    known = set(OPTION.findall(run_program(name, "--help").stdout)) | EVERYWHERE
    described = set(OPTION.findall(section_of(name)))
    siblings = {option for other in ("show", "cat") for option in OPTION.findall(
        run_program(other, "--help").stdout)} if name in ("show", "cat") else set()  # fmt: skip

    assert described <= known | siblings


@pytest.mark.parametrize("name", [name for name, _, _ in COMMANDS if name != "init"])
def test_every_option_is_described(name: str) -> None:
    # init's options are its questions, and its help lists them.
    options = set(OPTION.findall(run_program(name, "--help").stdout)) - EVERYWHERE

    assert options - {"--limit", "--json"} <= set(OPTION.findall(section_of(name)))


def test_the_exit_codes_are_those_of_help() -> None:
    page = (DOCS / "exit-codes.md").read_text()
    described = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}

    assert described == {*EXIT_CODES, 141}


@pytest.mark.parametrize("command", ["status", "check", "sync", "verify", "doctor"])
def test_the_json_of_the_page_has_the_fields_of_the_program(
    command: str, setting: Setting, account: str
) -> None:
    setting.configure(work=account)
    setting.run("init")
    (block, *_) = re.findall(r"```json\n(.*?)```", section_of(command), re.DOTALL)

    (printed,) = setting.run(command, "--json").lines()

    assert set(printed) == set(json.loads(block))


def test_the_json_of_login_has_the_fields_of_the_page(setting: Setting, account: str) -> None:
    setting.configure(work=account)
    (block, *_) = re.findall(r"```json\n(.*?)```", section_of("login"), re.DOTALL)

    (printed,) = setting.run("login", "work", "--status", "--json").lines()

    assert set(printed) == set(json.loads(block))
