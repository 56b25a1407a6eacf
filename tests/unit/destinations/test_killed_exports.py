"""An export that is killed anywhere, and repeated, is complete: nothing twice, nothing torn."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mailvault.ports import Destination
from tests.contract.folders import KINDS as FOLDERS
from tests.unit.destinations.interruptions import (
    WANTED,
    export_and_die,
    export_until_full,
    fill,
)
from tests.unit.destinations.test_zip import Kind as Zip

# The layouts differ in nothing but names.
NAMES = ["maildir", "eml", "mbox", "zip-maildir", "zip-mbox"]
OPERATIONS = 500  # more than any of these exports needs, and no multiple of the step


def opener(name: str, folder: Path) -> Callable[[], Destination]:
    if name.startswith("zip-"):
        return Zip(name.removeprefix("zip-"), folder).open
    return lambda: FOLDERS[name].open(folder)


def found(name: str, folder: Path) -> object:
    if name.startswith("zip-"):
        return Zip(name.removeprefix("zip-"), folder).read()
    return FOLDERS[name].read(folder)


def assert_complete(name: str, folder: Path) -> None:
    assert found(name, folder) == WANTED
    assert not [path for path in folder.rglob("*") if ".partial" in path.name]


def test_every_repetition_gets_further(tmp_path: Path, any_name: str) -> None:
    folder = tmp_path / "export"
    countdown = 10
    while not export_and_die(opener(any_name, folder), countdown):
        countdown += 7
        assert countdown < OPERATIONS

    assert_complete(any_name, folder)


@pytest.mark.parametrize("countdown", [21, 120])
def test_the_next_one_completes_it(tmp_path: Path, any_name: str, countdown: int) -> None:
    folder = tmp_path / "export"
    if not export_and_die(opener(any_name, folder), countdown):
        with opener(any_name, folder)() as destination:
            fill(destination)

    assert_complete(any_name, folder)


@pytest.mark.parametrize("countdown", [5, 90])
def test_a_full_disk_ends_it_and_room_lets_it_go_on(
    tmp_path: Path, any_name: str, countdown: int
) -> None:
    folder = tmp_path / "export"
    if not export_until_full(opener(any_name, folder), countdown):
        with opener(any_name, folder)() as destination:
            fill(destination)

    assert_complete(any_name, folder)


@pytest.mark.torture
def test_the_next_one_completes_it_wherever(tmp_path: Path, any_name: str) -> None:
    for countdown in range(OPERATIONS):
        folder = tmp_path / str(countdown) / "export"
        if export_and_die(opener(any_name, folder), countdown):
            return
        with opener(any_name, folder)() as destination:
            fill(destination)

        assert_complete(any_name, folder)
    pytest.fail("it never came to its end")


@pytest.fixture(params=NAMES)
def any_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name
