"""What was read longest ago is read next, and it is remembered in a few rows."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, func, select

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.tables import message, proof
from mailvault.archive.instants import to_microseconds
from mailvault.archive.proofs import (
    Proved,
    Stretch,
    keep_proofs,
    longest_unverified,
    read_coverage,
)
from mailvault.mail.changes import Pruned
from mailvault.mail.model import Digest
from tests.unit.archive.builders import (
    BEGINNING,
    Work,
    build_batch,
    build_message,
    open_again,
)

LATER = [BEGINNING + timedelta(days=days) for days in range(9)]


def prove(archive: Archive, count: int, day: int) -> None:
    """What a verify of so many messages leaves behind."""
    proved = Proved()
    for due, _ in zip(longest_unverified(archive.catalog), range(count), strict=False):
        proved.add(due)
    archive.note_proved(proved.take(), LATER[day])


def due(archive: Archive, count: int = 99) -> list[int]:
    """The messages in the order they are due, by the numbers they were built from."""
    numbers = {Digest.of(build_message(number)): number for number in range(1, 40)}
    found = [numbers[each.digest] for each in longest_unverified(archive.catalog)]
    return found[:count]


def rows(archive: Archive) -> int:
    with archive.catalog.reading() as connection:
        return connection.scalar(select(func.count()).select_from(proof)) or 0


def test_what_was_never_read_comes_first(work: Work) -> None:
    work.sync(build_batch(arrived=range(1, 6)))
    prove(work.archive, 5, day=1)
    work.sync(build_batch(arrived=[6, 7]))

    assert due(work.archive) == [6, 7, 1, 2, 3, 4, 5]


def test_samples_go_round(work: Work) -> None:
    work.sync(build_batch(arrived=range(1, 6)))

    first = []
    for day in range(4):
        first.append(due(work.archive, 2))
        prove(work.archive, 2, day)

    assert first == [[1, 2], [3, 4], [5, 1], [2, 3]]


def test_a_damaged_message_stays_due(work: Work) -> None:
    work.sync(build_batch(arrived=range(1, 6)))
    proved = Proved()
    for each in longest_unverified(work.archive.catalog):
        if each.digest != Digest.of(build_message(3)):
            proved.add(each)
    work.archive.note_proved(proved.take(), LATER[1])

    assert due(work.archive, 2) == [3, 1]
    assert read_coverage(work.archive.catalog).never == 1


def test_everything_read_at_once_is_one_row(work: Work) -> None:
    work.sync(build_batch(arrived=range(1, 30)))
    for day in range(5):
        prove(work.archive, 3, day)

    prove(work.archive, 99, day=6)

    assert rows(work.archive) == 1


def test_the_oldest_reading_is_known(work: Work) -> None:
    work.sync(build_batch(arrived=[1, 2, 3]))
    prove(work.archive, 2, day=3)
    before = read_coverage(work.archive.catalog)
    prove(work.archive, 1, day=4)
    after = read_coverage(work.archive.catalog)

    (run,) = work.archive.catalog.runs()
    assert (before.oldest, before.never) == (run.started_at, 1)
    assert (after.oldest, after.never) == (LATER[3], 0)


def test_an_empty_archive_has_nothing_to_read(archive: Archive) -> None:
    assert list(longest_unverified(archive.catalog)) == []
    assert read_coverage(archive.catalog).oldest is None


def test_a_reader_remembers_too(work: Work) -> None:
    work.sync(build_batch(arrived=[1, 2, 3]))
    work.archive.close()

    with open_again(work.archive.path) as reader:
        prove(reader, 2, day=1)

        assert due(reader) == [3, 1, 2]


def test_a_number_that_is_given_again_is_not_proved(work: Work) -> None:
    work.sync(build_batch(arrived=[1, 2, 3]))
    prove(work.archive, 3, day=1)
    work.sync(build_batch(expunged=[3]))
    work.archive.tell([Pruned((Digest.of(build_message(3)),))])
    work.sync(build_batch(arrived=[4]))

    assert due(work.archive) == [4, 1, 2]


def test_numbers_given_again_while_a_verify_reads_are_not_proved(work: Work) -> None:
    work.sync(build_batch(arrived=[1, 2, 3]))
    proved = Proved()
    for each in longest_unverified(work.archive.catalog):
        proved.add(each)
    work.sync(build_batch(expunged=[3]))
    work.archive.tell([Pruned((Digest.of(build_message(3)),))])
    work.sync(build_batch(arrived=[4]))

    work.archive.note_proved(proved.take(), LATER[1])

    assert read_coverage(work.archive.catalog).never == 3


def test_many_messages_are_proved_although_one_was_pruned_meanwhile(work: Work) -> None:
    work.sync(build_batch(arrived=range(1, 31)))
    proved = Proved(most=5)
    for each in longest_unverified(work.archive.catalog):
        proved.add(each)
    work.sync(build_batch(expunged=[7]))
    work.archive.tell([Pruned((Digest.of(build_message(7)),))])

    work.archive.note_proved(proved.take(), LATER[1])

    assert sorted(due(work.archive)[:4]) == [6, 8, 9, 10]
    assert read_coverage(work.archive.catalog).never == 4


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 6)), max_size=8))
def test_any_stretches_are_remembered_as_they_were_told(told: list[tuple[int, int]]) -> None:
    times: dict[int, int] = {}
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        proof.create(connection)
        message.create(connection)  # empty: what a stretch without a seal stands for
        for day, (first, more) in enumerate(told):
            keep_proofs(connection, [Stretch(first, first + more)], LATER[day])
            times |= dict.fromkeys(range(first, first + more + 1), to_microseconds(LATER[day]))
        known = connection.execute(select(proof)).all()
    engine.dispose()

    found = [
        (number, row.proved_at)
        for row in known
        for number in range(row.first_message, row.last_message + 1)
    ]
    assert dict(found) == times
    assert len(found) == len(times)
