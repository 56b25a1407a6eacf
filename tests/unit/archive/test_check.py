"""Damage to the structure is found and named."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.errors import ArchiveDamaged
from mailvault.mail.model import Digest
from mailvault.ports import Finding
from tests.unit.archive.builders import Work, build_batch, build_message, open_again


@pytest.fixture
def folder_with_mail(work: Work) -> Path:
    """An archive of three runs, closed."""
    for uid in (1, 2, 3):
        work.sync(build_batch(arrived=[uid], cursor=f"{uid}"))
    work.archive.close()
    return work.archive.path


def findings(folder: Path) -> list[Finding]:
    with open_again(folder) as archive:
        return list(archive.check())


def journal_file(folder: Path) -> Path:
    (path,) = (folder / "journal").iterdir()
    return path


def test_a_sound_archive_has_no_findings(folder_with_mail: Path) -> None:
    assert findings(folder_with_mail) == []


def test_an_empty_archive_has_no_findings(archive: Archive) -> None:
    assert list(archive.check()) == []


def test_a_flipped_bit_in_the_journal_is_found(folder_with_mail: Path) -> None:
    path = journal_file(folder_with_mail)
    whole = path.read_bytes()

    for place in range(20, len(whole), 61):
        broken = bytearray(whole)
        broken[place] ^= 0x20
        path.write_bytes(broken)
        (finding,) = findings(folder_with_mail)
        assert finding.kind == "journal"
        assert path.name in finding.detail


def test_a_journal_that_lost_its_end_is_found(folder_with_mail: Path) -> None:
    path = journal_file(folder_with_mail)
    path.write_bytes(path.read_bytes()[:-1])

    (finding,) = findings(folder_with_mail)

    assert finding.kind == "journal"
    assert finding.detail == "group 3, known to the catalog, is missing"


def test_a_missing_journal_is_found(folder_with_mail: Path) -> None:
    journal_file(folder_with_mail).unlink()

    assert [finding.kind for finding in findings(folder_with_mail)] == ["journal"]


def test_a_catalog_of_another_time_is_found(folder_with_mail: Path) -> None:
    with closing(sqlite3.connect(folder_with_mail / "catalog.db")) as connection:
        connection.execute("UPDATE journal_position SET chain = x'00'")
        connection.commit()

    assert [finding.kind for finding in findings(folder_with_mail)] == ["journal"]


def test_a_damaged_catalog_is_found(folder_with_mail: Path) -> None:
    with closing(sqlite3.connect(folder_with_mail / "catalog.db")) as connection:
        connection.execute("DELETE FROM message WHERE id = 2")
        connection.commit()

    kinds = {finding.kind for finding in findings(folder_with_mail)}

    assert kinds == {"catalog"}


def test_a_message_without_octets_is_found(folder_with_mail: Path) -> None:
    unknown = Digest.of(b"never stored")
    with closing(sqlite3.connect(folder_with_mail / "catalog.db")) as connection:
        connection.execute(
            "UPDATE message SET digest = ? WHERE digest = ?",
            (unknown.value, Digest.of(build_message(2)).value),
        )
        connection.commit()

    (finding,) = findings(folder_with_mail)

    assert (finding.kind, finding.digest) == ("missing", unknown)


def test_a_place_of_a_digest_with_nothing_in_it_is_damage_to_the_catalog(
    folder_with_mail: Path,
) -> None:
    path = folder_with_mail / "catalog.db"
    octets = bytearray(path.read_bytes())
    digest = Digest.of(build_message(2)).value
    at = octets.find(digest)
    while at >= 0:
        kind = octets.rfind(bytes([32 * 2 + 12]), at - 24, at)  # a BLOB of 32 octets
        octets[kind] = 0  # NULL
        at = octets.find(digest, at + 1)
    path.write_bytes(octets)

    found = findings(folder_with_mail)

    assert "catalog" in {finding.kind for finding in found}
    assert all(str(finding.digest) for finding in found)


def execute(folder: Path, statement: str) -> list[tuple[int, ...]]:
    with closing(sqlite3.connect(folder / "catalog.db")) as connection, connection:
        return connection.execute(statement).fetchall()


def test_a_catalog_that_leads_in_a_circle_ends_no_walk_only_to_begin_it_again(
    work: Work,
) -> None:
    work.sync(build_batch(arrived=range(1, 401)))
    work.archive.close()
    path = work.archive.path / "catalog.db"
    [(root,)] = execute(
        work.archive.path, "SELECT rootpage FROM sqlite_schema WHERE name = 'message'"
    )
    octets = bytearray(path.read_bytes())
    at = (root - 1) * 4096
    assert octets[at] == 5, "the table has several pages"
    cell = at + int.from_bytes(octets[at + 12 : at + 14])
    first, last = (
        (int.from_bytes(octets[child : child + 4]) - 1) * 4096 for child in (cell, at + 8)
    )
    octets[last : last + 4096] = octets[first : first + 4096]
    path.write_bytes(octets)

    with open_again(work.archive.path) as archive, pytest.raises(ArchiveDamaged) as refused:
        list(archive.catalog.digests())

    assert "leads in a circle" in str(refused.value)
    assert "rebuild" in str(refused.value.hint)


def test_what_comes_of_a_damaged_catalog_is_not_taken_for_a_bug(folder_with_mail: Path) -> None:
    execute(folder_with_mail, "DELETE FROM message WHERE id = 2")
    execute(folder_with_mail, "UPDATE run SET started_at = x'00'")

    with (
        pytest.raises(ArchiveDamaged) as refused,
        open_again(folder_with_mail) as archive,
    ):
        list(archive.catalog.run_times())

    assert "refers to a missing row" in str(refused.value)
    assert "rebuild" in str(refused.value.hint)


def test_a_bug_is_not_taken_for_damage(folder_with_mail: Path) -> None:
    with pytest.raises(KeyError), open_again(folder_with_mail) as archive:
        archive.standings.all()["nobody"]
