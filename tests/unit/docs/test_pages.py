"""The pages say what the program does; where they could drift apart, a test compares them."""

import re
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

from mailvault.archive.content import volume
from mailvault.archive.journal_format import encode
from mailvault.cli.exit_codes import EXIT_CODES
from mailvault.cli.registry import COMMANDS
from mailvault.mail import changes

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_every_command_has_its_place_on_the_page() -> None:
    text = page("commands.md")

    missing = [name for name, *_ in COMMANDS if f"`mailvault {name}" not in text]
    assert not missing


def test_every_exit_code_is_explained() -> None:
    explained = {
        int(code) for code in re.findall(r"^\| (\d+) \|", page("exit-codes.md"), re.MULTILINE)
    }

    assert explained >= set(EXIT_CODES)


def test_every_key_of_an_account_is_explained() -> None:
    example = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    account = example[example.index("[accounts.work]") : example.index("[accounts.old]")]
    keys = set(re.findall(r"^(?:# )?([a-z_]+) = ", account, re.MULTILINE))
    text = page("configuration.md")

    assert {key for key in keys if not re.search(rf"`{key}(?: = true)?`", text)} == set()


def test_every_kind_of_record_is_explained() -> None:
    text = page("archive-format.md")
    names = set(re.findall(r'"([a-z-]+)":', Path(encode.__code__.co_filename).read_text()))

    assert len(names) == len(changes.Record.__args__)
    assert all(f"| `{name}` |" in text for name in names)


def test_every_table_and_column_of_a_volume_is_explained() -> None:
    text = page("archive-format.md")
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(volume.SCHEMA)
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema")]
        columns = {
            table: [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            for table in tables
        }

    for table, names in columns.items():
        definition = text[text.index(f"CREATE TABLE {table} (") :].partition(");")[0]
        assert all(re.search(rf"\b{name}\b", definition) for name in names), table


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_between_pages_leads_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert "://" in target or (path.parent / target).exists(), target


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_nobody_is_told_to_install_another_projects_package(path: Path) -> None:
    assert not re.search(
        r"pip\S* install (?:-\S+ )*mailvault(?!-)", path.read_text(encoding="utf-8")
    )


def test_the_pages_toml_is_valid() -> None:
    for path in PAGES:
        for block in re.findall(
            r"```toml\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL
        ):
            tomllib.loads(block)
