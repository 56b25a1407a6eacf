"""What POP3 servers list, read with patience."""

from hypothesis import given
from hypothesis import strategies as st

from mailvault.protocols.pop3.listings import (
    Listing,
    parse_capabilities,
    parse_sizes,
    parse_uidls,
)


def test_capabilities_are_read_whatever_their_case() -> None:
    found = parse_capabilities(b"Top\r\nsasl plain XOAUTH2\r\nLOGIN-DELAY 900\r\n\r\n")

    assert "TOP" in found
    assert found.mechanisms == {"PLAIN", "XOAUTH2"}
    assert found.login_delay == 900


def test_a_listing_is_read_past_blanks_and_nonsense() -> None:
    listing = b" 1 \t  abc \r\nnonsense\r\n2\r\n3 \r\n99999999999999 x\r\n4 d\xe9j\xe0\r\n"

    assert parse_uidls(listing) == {1: "abc", 3: "", 4: "déjà"}


def test_sizes_may_be_followed_by_more() -> None:
    assert parse_sizes(b"1 120 extra\r\n2 -5\r\n3 999999999999999999\r\n") == {
        1: 120,
        2: 0,
        3: 0,
    }


@given(
    st.lists(st.tuples(st.integers(0, 9_999_999_999) | st.integers(0, 6), st.integers(0, 9)))
)
def test_a_listing_is_read_in_any_order_and_the_last_word_counts(
    lines: list[tuple[int, int]],
) -> None:
    listing = b"".join(b"%d %d\r\n" % line for line in lines)

    assert parse_sizes(listing) == dict(lines)
    assert parse_uidls(listing) == {number: str(uidl) for number, uidl in lines}
    assert list(parse_sizes(listing)) == list(dict(lines))
    assert all(number in parse_sizes(listing) for number, _ in lines)


def test_listings_that_say_the_same_are_the_same() -> None:
    one, other = (b"1 abc\r\n2 de\r\n3 f\r\n", b"1 ab\r\n2 cde\r\n3 f\r\n")

    assert parse_uidls(one) == parse_uidls(one)
    assert parse_uidls(one) != parse_uidls(other)
    assert parse_sizes(b"1 5\r\n2 7\r\n") != parse_sizes(b"1 5\r\n3 7\r\n")


def test_an_id_of_two_messages_names_neither() -> None:
    listing = Listing({}, {1: "a", 2: "b", 3: "a", 4: "c"}, 5)

    assert [listing.name(number) for number in listing.numbers] == [None, "b", None, "c", None]
    assert listing.reliable == {"b": 2, "c": 4}
    assert listing.flaw == "the server gives the same unique-id to several messages"


def test_an_over_long_id_is_never_a_sound_one() -> None:
    uidls = parse_uidls(b"1 " + b"a" * 70 + b"\r\n2 " + b"b" * 71 + b"\r\n3 " + b"c" * 9999)
    listing = Listing({}, uidls, 3)

    assert set(listing.reliable) == {"a" * 70}
    assert listing.flaw is not None


def test_all_messages_are_numbered_although_only_some_are_listed() -> None:
    listing = Listing({1: 10}, {2: "x"}, 4)

    assert list(listing.numbers) == [1, 2, 3, 4]
    assert listing.flaw == "the server does not give every message a unique-id"


def test_sound_ids_have_no_flaw() -> None:
    assert Listing({1: 1, 2: 1}, {1: "a", 2: "b"}, 2).flaw is None
