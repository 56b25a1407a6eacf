"""The journal gives back what was appended, and notices everything else."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import zstandard

from mailvault.archive import journal as journal_module
from mailvault.archive import journal_format
from mailvault.archive.journal import Group, Journal, Position, TornTail, beginning
from mailvault.errors import ArchiveDamaged, ArchiveTooNew
from mailvault.mail.changes import AccountAdded, MailboxGone, Record
from mailvault.mail.model import RunNumber

ARCHIVE_ID = "0b9f6a52-3b0c-4f51-9a6e-6d3d8f2f1c11"
START = beginning(ARCHIVE_ID)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path, ARCHIVE_ID)


def fill(journal: Journal, groups: int, *, run: int = 1, after: Position = START) -> Position:
    for number in range(groups):
        after = journal.append([MailboxGone(number)], RunNumber(run), after)
    return after


def read(journal: Journal, after: Position = START) -> list[Sequence[Record]]:
    return [each.records for each in journal.groups(after) if isinstance(each, Group)]


def tails(journal: Journal, after: Position = START) -> list[TornTail]:
    return [each for each in journal.groups(after) if isinstance(each, TornTail)]


def test_groups_are_read_in_the_order_they_were_written(journal: Journal) -> None:
    fill(journal, 3)

    assert read(journal) == [(MailboxGone(0),), (MailboxGone(1),), (MailboxGone(2),)]


def test_reading_goes_on_behind_a_position(journal: Journal) -> None:
    after = fill(journal, 2)
    end = journal.append([AccountAdded(1, "work", "imap")], RunNumber(2), after)

    (group,) = journal.groups(after)

    assert group == Group((AccountAdded(1, "work", "imap"),), end)
    assert list(journal.groups(end)) == []


def test_a_file_holds_runs_until_it_is_long_enough(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "ENOUGH", 400)
    after = START
    for run in range(1, 8):
        after = fill(journal, 1, run=run, after=after)

    names = [path.name for _, path in journal.files()]
    assert names[0] == "00000001.zst"
    assert 1 < len(names) < 7
    assert len(read(journal)) == 7


def test_the_files_can_be_read_with_zstd_alone(journal: Journal) -> None:
    fill(journal, 2)

    ((_, path),) = journal.files()
    with zstandard.ZstdDecompressor().stream_reader(
        path.read_bytes(), read_across_frames=True
    ) as reader:
        lines = reader.read().splitlines()
    assert lines[0] == f'["journal",1,"{ARCHIVE_ID}"]'.encode()
    assert [line[:8] for line in lines] == [
        b'["journa',
        b'["mailbo',
        b'["seal",',
        b'["mailbo',
        b'["seal",',
    ]


def test_a_group_cut_off_anywhere_is_a_torn_tail(journal: Journal) -> None:
    kept = fill(journal, 2)
    fill(journal, 1, after=kept)
    ((_, path),) = journal.files()
    whole = path.read_bytes()

    for size in range(kept.offset + 1, len(whole)):
        path.write_bytes(whole[:size])
        assert len(read(journal)) == 2
        assert tails(journal) == [TornTail(path, kept.offset)]


def test_a_first_group_cut_off_is_a_torn_tail(journal: Journal) -> None:
    fill(journal, 1)
    ((_, path),) = journal.files()
    path.write_bytes(path.read_bytes()[:-1])

    assert list(journal.groups(START)) == [TornTail(path, 0)]
    journal.cut(TornTail(path, 0))
    assert journal.files() == []


def test_a_cut_tail_makes_room_for_the_next_group(journal: Journal) -> None:
    kept = fill(journal, 1)
    fill(journal, 1, after=kept)
    ((_, path),) = journal.files()
    path.write_bytes(path.read_bytes()[:-3])

    (tail,) = tails(journal)
    journal.cut(tail)
    journal.append([MailboxGone(7)], RunNumber(2), kept)

    assert read(journal) == [(MailboxGone(0),), (MailboxGone(7),)]


def test_a_flipped_bit_before_the_last_group_is_damage_or_changes_nothing(
    journal: Journal,
) -> None:
    last = fill(journal, 2)
    fill(journal, 1, after=last)
    ((_, path),) = journal.files()
    whole = path.read_bytes()
    written = read(journal)

    damaged = 0
    places = range(0, last.offset * 8, 5)
    for place in places:
        path.write_bytes(with_flipped_bit(whole, place))
        try:
            found = read(journal)
        except ArchiveDamaged:
            damaged += 1
        else:
            assert found == written  # zstd writes some things in more ways than one
    assert damaged > len(places) * 0.97


def with_flipped_bit(octets: bytes, place: int) -> bytes:
    broken = bytearray(octets)
    broken[place // 8] ^= 1 << place % 8
    return bytes(broken)


def test_a_flipped_bit_in_the_last_group_is_never_believed(journal: Journal) -> None:
    kept = fill(journal, 1)
    fill(journal, 1, after=kept)
    ((_, path),) = journal.files()
    whole = path.read_bytes()

    for place in range(kept.offset * 8, len(whole) * 8):
        path.write_bytes(with_flipped_bit(whole, place))
        try:
            found = read(journal)
        except ArchiveDamaged:
            continue
        assert found in ([(MailboxGone(0),)], [(MailboxGone(0),), (MailboxGone(0),)])


def test_rubbish_that_was_never_confirmed_is_a_torn_tail(journal: Journal) -> None:
    told = fill(journal, 1)
    ((_, path),) = journal.files()
    path.write_bytes(path.read_bytes() + bytes(500))

    assert list(journal.groups(told)) == [TornTail(path, told.offset)]
    with pytest.raises(ArchiveDamaged):
        read(journal)


def test_a_group_left_out_is_damage(journal: Journal) -> None:
    first = fill(journal, 1)
    second = fill(journal, 1, after=first)
    fill(journal, 1, after=second)
    ((_, path),) = journal.files()
    whole = path.read_bytes()
    path.write_bytes(whole[: first.offset] + whole[second.offset :])

    with pytest.raises(ArchiveDamaged, match="does not follow the one before"):
        read(journal)


def test_a_missing_file_is_damage(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "ENOUGH", 1)
    end = fill(journal, 1, run=3, after=fill(journal, 1, run=2, after=fill(journal, 1)))
    first, second, third = (path for _, path in journal.files())

    second.rename(second.with_suffix(".away"))
    with pytest.raises(ArchiveDamaged, match=r"00000003\.zst is damaged"):
        read(journal)
    second.with_suffix(".away").rename(second)
    first.unlink()
    with pytest.raises(ArchiveDamaged, match=r"00000002\.zst is damaged"):
        read(journal)
    third.unlink()
    with pytest.raises(ArchiveDamaged, match=r"00000003\.zst is missing"):
        read(journal, end)


def test_a_file_shorter_than_what_is_known_is_damage(journal: Journal) -> None:
    end = fill(journal, 2)
    ((_, path),) = journal.files()
    path.write_bytes(path.read_bytes()[:-4])

    with pytest.raises(ArchiveDamaged, match=r"00000001\.zst lost its last 4 octets"):
        read(journal, end)


def test_the_journal_of_another_archive_is_refused(journal: Journal, tmp_path: Path) -> None:
    fill(journal, 1)

    with pytest.raises(ArchiveDamaged):
        read(Journal(tmp_path, "another"), beginning("another"))


def test_a_record_of_tomorrow_is_refused_as_newer(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_format, "encode", lambda _: b'["tomorrow",1]\n')
    fill(journal, 1)

    with pytest.raises(ArchiveTooNew, match="group 1 holds what this release cannot read"):
        read(journal)


def test_a_frame_that_does_not_say_its_size_is_refused(journal: Journal) -> None:
    end = fill(journal, 1)
    ((_, path),) = journal.files()
    bomb = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1 << 20))
    sound = path.read_bytes()
    path.write_bytes(bomb + sound)

    with pytest.raises(ArchiveDamaged, match="its size is missing or beyond all bounds"):
        read(journal)
    assert end.sequence == 1
