"""Copies and conversions killed anywhere: whole or clearly not yet, and whole if repeated."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from mailvault.archive.converting import convert_archive
from mailvault.archive.copying import Copied, copy_archive
from mailvault.errors import ArchiveMissing, DestinationError
from tests.unit.archive.builders import SteppingClock, Work, build_batch, open_again
from tests.unit.archive.dump import dump
from tests.unit.archive.test_converting import OTHER, contents
from tests.unit.archive.tiny_sync import Act, run_traced

FEW = 2
MANY = 40
CALLS = ["fsync", "rename", "unlink"]


@pytest.fixture(params=["sqlite", "maildir"])
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def copying(target: Path) -> Act:
    def act(path: Path, confirm: Callable[[str], None]) -> None:
        copy_archive(path, target, clock=SteppingClock(), wait=0, copied=Copied())

    return act


def converting(target: Path, store: str) -> Act:
    def act(path: Path, confirm: Callable[[str], None]) -> None:
        convert_archive(path, target, store, clock=SteppingClock(), told=lambda _: None)

    return act


def killed(
    strace: str, path: Path, make: Callable[[], tuple[Path, Act]], call: str, most: int
) -> Iterator[tuple[Path, Act]]:
    """Targets that were left when ``call`` was killed, at places spread over the work."""
    step = 1 if most == MANY else 5
    for number in count(1, step):
        target, act = make()
        ended = run_traced(strace, f"{call}:signal=SIGKILL:when={number}", path, act)
        if ended.status == 0 or number > most * step:
            assert number > 1, f"{call} is never called"
            return
        yield target, act
        shutil.rmtree(target, ignore_errors=True)


def assert_whole(path: Path, original: Path) -> None:
    with open_again(path) as archive:
        assert list(archive.check()) == []
    assert dump(path) == dump(original)
    assert contents(path) == contents(original)


def assert_whole_or_not_yet(path: Path, original: Path) -> None:
    try:
        open_again(path).close()
    except ArchiveMissing:
        return
    assert_whole(path, original)


def assert_usable(path: Path) -> None:
    with open_again(path) as archive:
        assert list(archive.check()) == []
        for digest in archive.catalog.digests():
            archive.content.prove(digest)


def first_copies(strace: str, lived: Path, tmp_path: Path, call: str, most: int) -> None:
    target = tmp_path / "copy"
    for place, act in killed(strace, lived, lambda: (target, copying(target)), call, most):
        assert_whole_or_not_yet(place, lived)
        act(lived, print)
        assert_whole(place, lived)


def later_copies(strace: str, lived: Path, tmp_path: Path, call: str, most: int) -> None:
    earlier, target = tmp_path / "earlier", tmp_path / "copy"
    copying(earlier)(lived, print)
    with open_again(lived, writing=True) as archive:
        Work(archive, mailbox_id=1).sync(build_batch(11, arrived=[100, 101], expunged=[2]))

    def make() -> tuple[Path, Act]:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(earlier, target, symlinks=True)
        return target, copying(target)

    for place, act in killed(strace, lived, make, call, most):
        assert_usable(place)
        act(lived, print)
        assert_whole(place, lived)


def conversions(
    strace: str, lived: Path, tmp_path: Path, call: str, most: int, *, store: str
) -> None:
    target = tmp_path / "other"
    make = partial(lambda: (target, converting(target, OTHER[store])))
    for place, act in killed(strace, lived, make, call, most):
        assert_whole_or_not_yet(place, lived)
        with suppress(DestinationError):  # it was done, and is refused as an archive
            act(lived, print)
        assert_whole(place, lived)


@pytest.mark.parametrize("call", CALLS[:2])
def test_a_killed_first_copy_is_whole_or_none(
    strace: str, lived: Path, tmp_path: Path, call: str
) -> None:
    first_copies(strace, lived, tmp_path, call, FEW)


def test_a_killed_later_copy_stays_usable(strace: str, lived: Path, tmp_path: Path) -> None:
    later_copies(strace, lived, tmp_path, "rename", FEW)


@pytest.mark.parametrize("call", CALLS[:1])
def test_a_killed_conversion_is_whole_or_none(
    strace: str, lived: Path, store: str, tmp_path: Path, call: str
) -> None:
    conversions(strace, lived, tmp_path, call, FEW, store=store)


@pytest.mark.torture
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("act", [first_copies, later_copies])
def test_copies_killed_at_forty_places(
    strace: str, lived: Path, tmp_path: Path, call: str, act: Callable[..., None]
) -> None:
    act(strace, lived, tmp_path, call, MANY)


@pytest.mark.torture
@pytest.mark.parametrize("call", CALLS)
def test_conversions_killed_at_forty_places(
    strace: str, lived: Path, store: str, tmp_path: Path, call: str
) -> None:
    conversions(strace, lived, tmp_path, call, MANY, store=store)
