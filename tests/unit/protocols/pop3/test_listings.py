"""What POP3 servers list, read with patience."""

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


def test_an_over_long_id_is_never_a_sound_one() -> None:
    uidls = parse_uidls(b"1 " + b"a" * 70 + b"\r\n2 " + b"b" * 71 + b"\r\n3 " + b"c" * 9999)
    listing = Listing({}, uidls, 3)

    assert set(listing.reliable()) == {"a" * 70}
    assert listing.flaw is not None


def test_all_messages_are_numbered_although_only_some_are_listed() -> None:
    listing = Listing({1: 10}, {2: "x"}, 4)

    assert listing.numbers == [1, 2, 3, 4]
    assert listing.flaw == "the server does not give every message a unique-id"


def test_sound_ids_have_no_flaw() -> None:
    assert Listing({1: 1, 2: 1}, {1: "a", 2: "b"}, 2).flaw is None
