"""What a session does not list under its name, known by its octets."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from mailvault.mail.model import Digest, Uid
from mailvault.sources.pop3_missing import Missing


def digest(content: int) -> Digest:
    return Digest(hashlib.sha256(bytes([content])).digest())


@given(st.lists(st.integers(0, 5), max_size=20), st.lists(st.integers(0, 6), max_size=30))
def test_each_message_is_taken_once_and_the_first_of_the_same_octets_first(
    archived: list[int], seen: list[int]
) -> None:
    missing = Missing()
    left: list[tuple[Uid, int]] = []
    for place, content in enumerate(archived):
        missing.add(Uid(place * 3 + 1), digest(content))
        left.append((Uid(place * 3 + 1), content))

    for content in seen:
        expected = next((each for each in left if each[1] == content), None)
        assert missing.take(digest(content)) == (expected[0] if expected else None)
        if expected is not None:
            left.remove(expected)

    assert list(missing) == [uid for uid, _ in left]
    assert bool(missing) == bool(left)
