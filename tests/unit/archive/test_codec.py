"""Frames are what they were announced to be, or they are refused."""

import random
import resource
import struct

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from mailvault.archive.codec import (
    FRAME_LIMIT,
    LONGEST_FRAME,
    BadFrame,
    Codec,
    Dictionary,
    saving,
    train,
    unpack_dictionary,
)

codec = Codec()
WORDS = [random.Random(n).randbytes(4).hex() for n in range(400)]


def build_text(number: int, words: int = 120) -> bytes:
    choose = random.Random(number)
    return " ".join(choose.choice(WORDS) for _ in range(words)).encode()


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    trained = train([build_text(number) for number in range(400)])
    assert trained is not None
    return trained


def compress(
    octets: bytes, *, write_checksum: bool = False, write_content_size: bool = True
) -> bytes:
    compressor = zstandard.ZstdCompressor(
        level=3, write_checksum=write_checksum, write_content_size=write_content_size
    )
    return compressor.compress(octets)


@given(st.binary(max_size=2000))
def test_octets_come_back(octets: bytes) -> None:
    assert codec.decompress(codec.compress(octets), len(octets)) == octets


@given(st.binary(max_size=2000))
def test_octets_come_back_through_a_dictionary(dictionary: Dictionary, octets: bytes) -> None:
    frame = codec.compress(octets, dictionary)

    assert codec.decompress(frame, len(octets), dictionary) == octets


def test_a_frame_of_octets_that_do_not_compress_is_within_its_bound() -> None:
    octets = random.Random(1).randbytes(FRAME_LIMIT)

    assert len(codec.compress(octets)) <= LONGEST_FRAME


def forged(size: int) -> bytes:
    """A frame whose header claims a size (RFC 8878 3.1.1.1)."""
    single_segment_with_checksum_and_8_octets_of_size = 0b11100100
    return (
        zstandard.FRAME_HEADER
        + bytes([single_segment_with_checksum_and_8_octets_of_size])
        + struct.pack("<Q", size)
        + codec.compress(b"")[6:]
    )


TEXT = build_text(1) * 5
SOUND = codec.compress(TEXT)
FRAMES = {
    "claims 3 GB": (forged(3_000_000_000), 3_000_000_000),
    "claims 3 GB beside an honest index": (forged(3_000_000_000), 100),
    "bomb": (compress(bytes(64 << 20), write_checksum=True), 64 << 20),
    "another size": (SOUND, len(TEXT) - 1),
    "truncated": (SOUND[:-1], len(TEXT)),
    "half": (SOUND[: len(SOUND) // 2], len(TEXT)),
    "trailing octets": (SOUND + b"x", len(TEXT)),
    "two frames": (SOUND + SOUND, len(TEXT)),
    "no checksum": (compress(TEXT), len(TEXT)),
    "no size": (compress(TEXT, write_checksum=True, write_content_size=False), len(TEXT)),
    "skippable": (struct.pack("<II", 0x184D2A50, 4) + b"skip", 4),
    "not zstd": (b"\x00" * 40, 40),
    "empty": (b"", 0),
    "flipped": (SOUND[:30] + bytes([SOUND[30] ^ 1]) + SOUND[31:], len(TEXT)),
}


@pytest.mark.parametrize("name", FRAMES)
def test_any_other_frame_is_refused_in_bounded_memory(name: str) -> None:
    frame, size = FRAMES[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(BadFrame):
        codec.decompress(frame, size)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 << 10


def test_a_frame_with_a_window_beyond_bounds_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(
        window_log=28, write_checksum=True, write_content_size=True
    )
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    frame = compressor.compress(b"x" * 100) + compressor.flush()

    with pytest.raises(BadFrame):
        codec.decompress(frame, 100)


def test_a_frame_of_another_dictionary_is_refused(dictionary: Dictionary) -> None:
    with_dictionary = codec.compress(TEXT, dictionary)

    with pytest.raises(BadFrame, match="another dictionary"):
        codec.decompress(with_dictionary, len(TEXT))
    with pytest.raises(BadFrame, match="another dictionary"):
        codec.decompress(SOUND, len(TEXT), dictionary)


def test_a_dictionary_comes_back_from_its_stored_form(dictionary: Dictionary) -> None:
    stored = unpack_dictionary(dictionary.packed())

    assert stored.content == dictionary.content
    assert stored.number == dictionary.number
    frame = codec.compress(TEXT, dictionary)
    assert codec.decompress(frame, len(TEXT), stored) == TEXT


@pytest.mark.parametrize("flaw", [b"", b"x", SOUND], ids=["empty", "octet", "text"])
def test_a_damaged_dictionary_is_refused(flaw: bytes) -> None:
    with pytest.raises(BadFrame):
        unpack_dictionary(flaw)


def test_a_dictionary_saves_where_texts_have_much_in_common(dictionary: Dictionary) -> None:
    others = [build_text(number) for number in range(1000, 1100)]

    assert saving(others, dictionary, None) > 0.1


@pytest.mark.parametrize(
    "texts",
    [[], [b""] * 100, [b"a"] * 5, [build_text(1)] * 3],
    ids=["none", "empty", "tiny", "few"],
)
def test_too_few_texts_make_no_dictionary(texts: list[bytes]) -> None:
    assert train(texts) is None
