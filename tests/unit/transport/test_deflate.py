import zlib

import pytest

from mailvault.errors import ProtocolViolation
from mailvault.transport.deflate import PIECE, Deflation


def deflated(data: bytes) -> bytes:
    squeezer = zlib.compressobj(9, wbits=-15)
    return squeezer.compress(data) + squeezer.flush(zlib.Z_SYNC_FLUSH)


def all_of(deflation: Deflation) -> bytes:
    return b"".join(iter(deflation.inflated, b""))


def test_octets_come_back_whole_or_one_at_a_time() -> None:
    data = b"* 1 FETCH (UID 1 FLAGS ())\r\n" * 1000
    whole, piecemeal = Deflation(), Deflation()

    whole.feed(deflated(data))
    came = b""
    for octet in deflated(data):
        piecemeal.feed(bytes([octet]))
        came += all_of(piecemeal)

    assert all_of(whole) == data
    assert came == data


def test_a_bomb_is_handed_out_in_small_pieces() -> None:
    deflation = Deflation()
    bomb = deflated(bytes(16 << 20))
    assert len(bomb) < 100_000

    deflation.feed(bomb)
    sizes = [len(piece) for piece in iter(deflation.inflated, b"")]

    assert max(sizes) <= PIECE
    assert sum(sizes) == 16 << 20


def test_output_left_inside_zlib_is_not_forgotten() -> None:
    data = bytes(PIECE + 10)
    deflation = Deflation()

    deflation.feed(deflated(data))

    assert all_of(deflation) == data


@pytest.mark.parametrize("garbage", [b"* OK not compressed\r\n", b"\xff" * 40])
def test_what_is_not_compressed_is_a_violation(garbage: bytes) -> None:
    deflation = Deflation()
    deflation.feed(garbage)

    with pytest.raises(ProtocolViolation):
        all_of(deflation)


def test_a_stream_that_ends_and_goes_on_is_a_violation() -> None:
    squeezer = zlib.compressobj(wbits=-15)
    ended = squeezer.compress(b"bye") + squeezer.flush(zlib.Z_FINISH)
    deflation = Deflation()
    deflation.feed(ended + b"more")

    with pytest.raises(ProtocolViolation):
        all_of(deflation)


def test_what_is_deflated_can_be_inflated_at_once() -> None:
    deflation = Deflation()

    sent = deflation.deflate(b"a1 NOOP\r\n")

    assert zlib.decompressobj(wbits=-15).decompress(sent) == b"a1 NOOP\r\n"
