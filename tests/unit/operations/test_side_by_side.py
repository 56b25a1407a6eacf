"""What differs between two mailboxes is counted by date and by size."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from mailvault.operations.side_by_side import Differences, differences


def key(seconds: int, size: int) -> int:
    return (seconds << 40) + size


def test_messages_without_a_partner_are_missing_or_new() -> None:
    found = differences(Counter([key(1, 100), key(1, 100)]), Counter([key(2, 200)]))

    assert found == Differences(missing=2, only_new=1)


def test_the_same_date_makes_it_the_same_message_of_another_size() -> None:
    assert differences(Counter([key(1, 100)]), Counter([key(1, 102)])) == Differences(resized=1)


def test_the_same_size_makes_it_the_same_message_of_another_date() -> None:
    assert differences(Counter([key(1, 100)]), Counter([key(9, 100)])) == Differences(redated=1)


def test_dates_count_more_than_sizes() -> None:
    old = Counter([key(1, 100), key(2, 200)])
    new = Counter([key(1, 200), key(3, 200)])

    assert differences(old, new) == Differences(resized=1, redated=1)


keys = st.lists(st.builds(key, st.integers(0, 3), st.integers(1, 4)), max_size=12).map(Counter)


@given(keys, keys)
def test_every_message_is_counted_once_on_either_side(
    old: Counter[int], new: Counter[int]
) -> None:
    equal = old & new
    found = differences(old - equal, new - equal)

    paired = found.resized + found.redated
    assert found.missing + paired + equal.total() == old.total()
    assert found.only_new + paired + equal.total() == new.total()
    assert differences(Counter(), Counter()) == Differences()
