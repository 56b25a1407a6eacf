"""Sets of UIDs behave as sets, and stay small."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.protocols.imap.uidset import EMPTY, MAXIMUM, UidSet

small_sets = st.frozensets(st.integers(1, 60), max_size=30)
uids = st.one_of(st.integers(1, 40), st.integers(1, MAXIMUM))
wide_sets = st.frozensets(uids, max_size=30)


@given(wide_sets)
def test_a_set_holds_what_it_was_made_of(members: frozenset[int]) -> None:
    uidset = UidSet.of(members)

    assert list(uidset) == sorted(members)
    assert len(uidset) == len(members)
    assert all(uid in uidset for uid in members)
    assert bool(uidset) == bool(members)


@given(wide_sets.filter(bool))
def test_encoding_and_parsing_are_inverse(members: frozenset[int]) -> None:
    uidset = UidSet.of(members)

    assert UidSet.parse(uidset.encode()) == uidset
    assert hash(UidSet.parse(uidset.encode())) == hash(uidset)


@given(small_sets, small_sets)
def test_the_operators_are_those_of_sets(one: frozenset[int], two: frozenset[int]) -> None:
    first, second = UidSet.of(one), UidSet.of(two)

    assert list(first | second) == sorted(one | two)
    assert list(first & second) == sorted(one & two)
    assert list(first - second) == sorted(one - two)


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9)), max_size=20))
def test_ranges_never_touch_or_overlap(starts: list[tuple[int, int]]) -> None:
    uidset = UidSet((first, first + length) for first, length in starts)

    edges = [edge for pair in uidset.ranges for edge in pair]
    assert edges == sorted(edges)
    assert all(b[0] > a[1] + 1 for a, b in zip(uidset.ranges, uidset.ranges[1:], strict=False))
    assert set(uidset) == {
        uid for first, length in starts for uid in range(first, first + length + 1)
    }


@given(small_sets, st.integers(1, 10))
def test_split_sets_are_small_and_lose_nothing(members: frozenset[int], count: int) -> None:
    parts = list(UidSet.of(members).split(count))

    assert [uid for part in parts for uid in part] == sorted(members)
    assert all(len(part) == count for part in parts[:-1])
    assert all(0 < len(part) <= count for part in parts)


@given(wide_sets, st.integers(21, 80))
def test_sets_split_by_length_fit_and_lose_nothing(members: frozenset[int], most: int) -> None:
    parts = list(UidSet.of(members).split_encoded(most))

    assert [uid for part in parts for uid in part] == sorted(members)
    assert all(len(part.encode()) <= most for part in parts)


@given(st.binary(max_size=20) | st.text("0123456789:,*", max_size=20).map(str.encode))
def test_any_octets_are_a_set_or_a_value_error(octets: bytes) -> None:
    try:
        uidset = UidSet.parse(octets)
    except ValueError:
        return
    assert UidSet.parse(uidset.encode()) == uidset


@pytest.mark.parametrize(
    "octets", [b"", b"0", b"*", b"1:*", b"1,", b",1", b"1:2:3", b"4294967296", b"-1", b"1 2"]
)
def test_what_is_no_set_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (several of Python's own say so)
        UidSet.parse(octets)


def test_a_range_may_be_written_backwards() -> None:
    assert UidSet.parse(b"4:2") == UidSet.of([2, 3, 4])


def test_numbers_of_a_search_may_be_unordered_repeated_and_zero() -> None:
    assert UidSet.parse_numbers(b"9 7 8 7 0 ") == UidSet([(7, 9)])


def test_an_empty_set_has_no_encoding() -> None:
    with pytest.raises(ValueError, match="empty"):
        EMPTY.encode()


def test_the_first_and_the_last_are_the_ends() -> None:
    assert (UidSet.of([7, 3, 9]).first, UidSet.of([7, 3, 9]).last) == (3, 9)


def test_all_uids_there_can_be_cost_one_range() -> None:
    everything = UidSet.parse(b"1:4294967295")

    assert len(everything) == MAXIMUM
    assert len(everything - UidSet.of(range(2, 400_000, 2))) == MAXIMUM - 199_999
    assert next(everything.split(100)) == UidSet([(1, 100)])
    assert sys.getsizeof(everything._firsts) < 200


def test_a_repr_is_short() -> None:
    assert repr(UidSet.of([1, 2, 9])) == "UidSet(1:2,9)"
    assert len(repr(UidSet.of(range(1, 10_000, 2)))) < 80
