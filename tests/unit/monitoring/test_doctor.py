"""The parts of the doctor's report."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.archive.examination import Contents, abilities, exposed, holders, read_contents
from mailvault.archive.lock import LEASE, LOCK, Lease, WriteLock
from mailvault.config.load import archive_path_of, parse
from mailvault.config.model import Configuration
from mailvault.monitoring.doctor.growth import forecast
from mailvault.monitoring.doctor.redaction import Redaction
from mailvault.monitoring.doctor.vault import examine_archive, file_system_of
from mailvault.wiring import SystemClock

NOW = datetime(2026, 3, 9, tzinfo=UTC)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    Archive.create(tmp_path / "archive", clock=SystemClock()).close()
    return tmp_path / "archive"


def contents(days: float, grown: int, stored: int = 500, octets: int = 1000) -> Contents:
    return Contents(
        "sqlite",
        octets=octets,
        stored_octets=stored,
        grows_since=NOW - timedelta(days=days),
        grown_octets=grown,
    )


def test_the_disk_lasts_as_long_as_growth_lets_it() -> None:
    outlook = forecast(contents(10, 2000), 3000, NOW)

    assert outlook.per_day == 100  # 2000 octets in ten days, and half of each is stored
    assert outlook.days_left == 30


@pytest.mark.parametrize(
    "told",
    [contents(2, 2000), contents(10, 2000, octets=0), Contents("sqlite")],
    ids=["two days", "an empty archive", "no success yet"],
)
def test_of_too_little_nothing_is_foretold(told: Contents) -> None:
    outlook = forecast(told, 3000, NOW)

    assert (outlook.per_day, outlook.days_left) == (None, None)


def test_an_archive_that_does_not_grow_lasts_for_ever() -> None:
    assert forecast(contents(10, 0), 3000, NOW).days_left is None
    assert forecast(contents(10, 0), 3000, NOW).per_day == 0


def configuration(folder: Path) -> Configuration:
    text = """
    [archive]
    path = "archive"
    [accounts."jan.doe@example.com"]
    protocol = "imap"
    host = "imap.example.com"
    user = "jan.doe@example.com"
    [accounts.work]
    protocol = "pop3"
    host = "pop.example.net"
    user = "me"
    """
    return parse(text.encode(), folder / "mailvault.toml", is_private=True)


def test_names_become_stand_ins_and_words_stay_words(tmp_path: Path) -> None:
    redact = Redaction(configuration(tmp_path), Path("/home/jan"))

    told = redact(
        {
            "error": "jan.doe@example.com: IMAP.example.com:993 refused me; some time",
            "list": ["/home/jan/mail", "work", "user jan.doe", "@example.com", 7, None],
        }
    )

    assert told == {
        "error": "ACCOUNT1: HOST1:993 refused USER2; some time",
        "list": ["~/mail", "work", "user USER1", "@DOMAIN1", 7, None],
    }


def test_without_a_configuration_the_home_is_left_out() -> None:
    assert Redaction(None, Path("/home/jan")).text("/home/jan/x") == "~/x"


def test_a_configuration_wrong_elsewhere_still_says_where_the_archive_is(
    tmp_path: Path,
) -> None:
    file = tmp_path / "mailvault.toml"
    file.write_text('[archive]\npath = "here"\nstor = 1\n')
    assert archive_path_of(file) == tmp_path / "here"
    for text in ("[archive\n", "", "[archive]\npath = 7", "archive = 1"):
        file.write_text(text)
        assert archive_path_of(file) is None


def test_who_holds_the_lock_is_seen_without_touching_it(archive: Path) -> None:
    assert holders(archive) == {LOCK: None, LEASE: None}
    with (
        WriteLock.acquire(archive, clock=SystemClock()),
        Lease.acquire(archive, clock=SystemClock()),
    ):
        assert holders(archive) == {LOCK: os.getpid(), LEASE: os.getpid()}


def test_a_file_that_others_can_read_is_named(archive: Path) -> None:
    assert list(exposed(archive)) == []

    (archive / "catalog.db").chmod(0o640)

    assert list(exposed(archive)) == [(archive / "catalog.db", "has mode 0640")]


def test_the_disk_is_tried_and_nothing_is_left_there(archive: Path) -> None:
    assert abilities(archive) == {"fsync": True, "rename": True, "hard links": True}
    assert list((archive / "tmp").iterdir()) == []
    assert abilities(archive / "nowhere") == {}
    assert file_system_of(archive) is not None


def test_an_archive_is_looked_at_while_another_writes(archive: Path) -> None:
    with Archive.open(archive, writing=True, clock=SystemClock()):
        assert read_contents(archive, NOW).is_current

        part = examine_archive(archive, SystemClock().now())

    assert (part.findings, part.exit_code) == ((), 0)
    assert part.facts["written_by"] == os.getpid()


def damage_catalog(archive: Path) -> None:
    (archive / "catalog.db").write_bytes(b"no database" * 1000)


def lose_catalog(archive: Path) -> None:
    (archive / "catalog.db").unlink()


def lose_identity(archive: Path) -> None:
    (archive / "archive.toml").unlink()


def lose_all(archive: Path) -> None:
    archive.rename(archive.with_name("elsewhere"))


def put_a_file_there(archive: Path) -> None:
    lose_all(archive)
    archive.write_text("a file")


@pytest.mark.parametrize(
    "break_it", [damage_catalog, lose_catalog, lose_identity, lose_all, put_a_file_there]
)
def test_a_broken_archive_is_reported_and_stays_as_it_is(
    archive: Path, break_it: object
) -> None:
    assert callable(break_it)
    break_it(archive)
    before = sorted(path.name for path in archive.parent.rglob("*"))

    part = examine_archive(archive, SystemClock().now())

    assert part.exit_code == 20
    assert part.findings[0].gravity == "error"
    assert sorted(path.name for path in archive.parent.rglob("*")) == before


def test_left_over_files_are_told_unless_somebody_writes(archive: Path) -> None:
    (archive / "tmp" / "old").touch(mode=0o600)

    (finding,) = examine_archive(archive, SystemClock().now()).findings
    with WriteLock.acquire(archive, clock=SystemClock()):
        assert examine_archive(archive, SystemClock().now()).findings == ()

    assert "1 temporary files are left" in finding.what
