"""Places that cannot be written to: a mistake of the command line, whichever command it is."""

from itertools import product
from pathlib import Path

import pytest

from tests.unit.cli.program import Setting, run_program

PLACES = {
    "below a file": "file/folder",
    "a file": "file",
    "links in a circle": "circle",
    "not even root may": "/proc/folder",
    "too long": "x" * 300,
    "within the archive": "archive/folder",
}
COMMANDS = {
    "copy": ("copy", "PLACE"),
    "convert": ("convert", "PLACE", "--store", "maildir"),
    "export": ("export", "PLACE", "--format", "eml"),
    "export to a zip": ("export", "PLACE", "--format", "eml", "--zip"),
    "drill": ("drill", "--scratch", "PLACE"),
    "demo": ("demo", "PLACE"),
}


@pytest.fixture
def vault(setting: Setting) -> Setting:
    setting.run("init")
    (setting.folder / "file").touch()
    (setting.folder / "circle").symlink_to("circle")
    return setting


def outside(vault: Setting) -> list[Path]:
    return sorted(each for each in vault.folder.rglob("*") if vault.archive not in each.parents)


@pytest.mark.parametrize(
    ("command", "place"),
    # A demonstration knows of no archive.
    [pair for pair in product(COMMANDS, PLACES) if pair != ("demo", "within the archive")],
)
def test_an_impossible_place_is_refused_and_nothing_is_made(
    vault: Setting, command: str, place: str
) -> None:
    path = str(vault.folder / PLACES[place])
    before = outside(vault)

    outcome = vault.run(*(path if word == "PLACE" else word for word in COMMANDS[command]))

    assert outcome.code == 2, outcome.stderr
    assert outcome.stdout == ""
    assert "Traceback" not in outcome.stderr
    assert outside(vault) == before


@pytest.mark.parametrize("place", ["", *list(PLACES)[:-1]])
def test_an_archive_is_not_begun_at_an_impossible_place(vault: Setting, place: str) -> None:
    path = vault.folder / PLACES.get(place, "")  # this folder holds other things
    configuration = vault.folder / "new.toml"

    outcome = run_program(
        "--config", str(configuration), "init", "--path", str(path), "--account", ""
    )

    assert outcome.code == 2, outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert not configuration.exists()


def test_what_stands_in_the_way_of_a_copy_is_named(vault: Setting) -> None:
    outcome = vault.run("copy", str(vault.folder / "file" / "copy"))

    assert f"{vault.folder / 'file'} is not a folder\n  choose a folder" in outcome.stderr


def test_an_import_of_links_in_a_circle_is_refused(vault: Setting) -> None:
    outcome = vault.run("import", str(vault.folder / "circle"), "--account", "old")

    assert outcome.code == 2
    assert "cannot be imported: Too many levels of symbolic links" in outcome.stderr
