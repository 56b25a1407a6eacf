"""An archive in another store is the same archive."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mailvault.archive.converting import Converted, convert_archive
from mailvault.archive.rebuild import rebuild_catalog
from mailvault.errors import ArchiveMissing, DestinationError
from mailvault.mail.model import Digest
from tests.unit.archive.builders import SteppingClock, build_message, create, open_again
from tests.unit.archive.dump import dump

OTHER = {"sqlite": "maildir", "maildir": "sqlite"}


@pytest.fixture(params=OTHER)
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def convert(path: Path, target: Path, store: str) -> Converted:
    return convert_archive(path, target, store, clock=SteppingClock(), told=lambda _: None)


def contents(path: Path) -> dict[Digest, bytes]:
    with open_again(path) as archive:
        found = {each: archive.content.get(each) for each in archive.catalog.digests()}
        return {
            digest: octets if isinstance(octets, bytes) else b"".join(octets.chunks())
            for digest, octets in found.items()
        }


def test_every_row_and_every_octet_is_the_same(lived: Path, store: str, tmp_path: Path) -> None:
    converted = convert(lived, tmp_path / "other", OTHER[store])

    assert dump(tmp_path / "other") == dump(lived)
    assert contents(tmp_path / "other") == contents(lived)
    assert converted.messages == len(contents(lived))
    assert not converted.lost
    with open_again(tmp_path / "other") as archive:
        assert archive.store == OTHER[store]
        assert list(archive.check()) == []


def test_there_and_back_is_the_same_archive(lived: Path, store: str, tmp_path: Path) -> None:
    convert(lived, tmp_path / "there", OTHER[store])
    convert(tmp_path / "there", tmp_path / "back", store)

    assert dump(tmp_path / "back") == dump(lived)
    assert contents(tmp_path / "back") == contents(lived)


def test_a_rebuild_of_the_other_archive_says_the_same(
    lived: Path, store: str, tmp_path: Path
) -> None:
    convert(lived, tmp_path / "other", OTHER[store])

    rebuild_catalog(tmp_path / "other", clock=SteppingClock())

    assert dump(tmp_path / "other") == dump(lived)


def test_what_the_old_archive_lost_is_named(lived: Path, store: str, tmp_path: Path) -> None:
    lost = Digest.of(build_message(2))
    lose(lived, store, lost)

    converted = convert(lived, tmp_path / "other", OTHER[store])

    assert list(converted.lost) == [lost]
    assert set(contents_left(tmp_path / "other")) == set(contents_left(lived))


def lose(path: Path, store: str, digest: Digest) -> None:
    if store == "maildir":
        (path / "content" / str(digest)[:2] / str(digest)).unlink()
        return
    with closing(sqlite3.connect(path / "content" / "000001.db")) as volume, volume:
        volume.execute("DELETE FROM object WHERE digest = ?", (digest.value,))


def contents_left(path: Path) -> list[Digest]:
    with open_again(path) as archive:
        return [each for each in archive.catalog.digests() if each in archive.content]


@pytest.mark.parametrize("what", ["itself", "inside", "full", "archive"])
def test_a_folder_that_is_something_else_is_refused(
    lived: Path, store: str, tmp_path: Path, what: str
) -> None:
    target = tmp_path / "target"
    match what:
        case "itself":
            target = lived
        case "inside":
            target = lived / "inside"
        case "full":
            target.mkdir()
            (target / "file").touch()
        case "archive":
            create(target).close()

    with pytest.raises(DestinationError):
        convert(lived, target, OTHER[store])
    with pytest.raises(DestinationError):
        convert(lived, tmp_path / "new", store)


def test_an_unfinished_folder_is_no_archive_and_is_gone_on_with(
    lived: Path, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "other"
    with monkeypatch.context() as patched:
        patched.setattr("mailvault.archive.converting.write_identity", _crash)
        with pytest.raises(KeyboardInterrupt):
            convert(lived, target, OTHER[store])

    for attempt in (open_again, lambda path: rebuild_catalog(path, clock=SteppingClock())):
        with pytest.raises(ArchiveMissing, match="convert to it was not finished"):
            attempt(target)
    with pytest.raises(DestinationError, match="unfinished convert"):
        create_copy(lived, target)
    convert(lived, target, OTHER[store])

    assert dump(target) == dump(lived)


def create_copy(path: Path, target: Path) -> None:
    from mailvault.archive.copying import Copied, copy_archive

    copy_archive(path, target, clock=SteppingClock(), wait=0, copied=Copied())


def _crash(*_: object) -> None:
    raise KeyboardInterrupt
