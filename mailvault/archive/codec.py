"""Zstandard frames and the dictionaries that small texts share.

A frame is trusted only as far as it was announced: its size, dictionary and checksum must
be the ones the index names, before anything is allocated for it.
"""

import threading
from collections.abc import Sequence
from typing import TypeVar

import zstandard

LEVEL = 3
FRAME_LIMIT = 4 << 20
"""The most octets one frame holds, so that no read ever needs more at once."""

LONGEST_FRAME = FRAME_LIMIT + (FRAME_LIMIT >> 8) + 1024
"""More than zstd needs for a frame of `FRAME_LIMIT` octets that do not compress."""

SMALL = 64 << 10
"""Octets up to which an object gains more from a dictionary than it takes time."""

_WINDOW_LIMIT = 1 << 27
_DICTIONARY_LEVEL = 9
_DICTIONARY_LIMIT = 512 << 10
_DICTIONARY_SHARE = 6  # larger dictionaries than a sixth of the text cost more than they save
_TRAINING_LIMIT = 8 << 20
_LEAST_SAMPLES = 10
_LEAST_DICTIONARY = 2048
_MOST_TRIALS = 256
_COMPRESSORS = 2  # one takes some MiB: that of the present dictionary, and that without
_DECOMPRESSORS = 8

T = TypeVar("T")


class BadFrame(Exception):
    """A frame is not the one that was written."""


class Dictionary:
    """Text that the texts of a volume have in common."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self._shared = zstandard.ZstdCompressionDict(
            content, dict_type=zstandard.DICT_TYPE_FULLDICT
        )
        self.number = self._shared.dict_id()
        if not self.number:
            raise BadFrame("not a dictionary")
        self._packed: bytes | None = None
        self._is_precomputed = False
        self._lock = threading.Lock()

    def packed(self) -> bytes:
        """The form in which a dictionary is stored."""
        if self._packed is None:
            compressor = zstandard.ZstdCompressor(
                level=_DICTIONARY_LEVEL, write_checksum=True, write_content_size=True
            )
            self._packed = compressor.compress(self.content)
        return self._packed

    def for_compression(self) -> zstandard.ZstdCompressionDict:
        """Without its tables worked out beforehand a dictionary costs more than it saves."""
        with self._lock:
            if not self._is_precomputed:
                self._shared.precompute_compress(level=LEVEL)
                self._is_precomputed = True
        return self._shared

    def for_decompression(self) -> zstandard.ZstdCompressionDict:
        return self._shared


class Codec:
    """Compresses and decompresses frames. One serves all threads.

    ``takes_turns`` says that only one of them uses it at a time: then they share what zstd
    needs, some MiB for each thread.
    """

    def __init__(self, *, takes_turns: bool = False) -> None:
        self._local = _Contexts() if takes_turns else _ContextsOfThreads()

    def compress(self, octets: bytes, dictionary: Dictionary | None = None) -> bytes:
        """Make a frame and prove that it gives the octets back."""
        return self.compress_all([octets], dictionary)[0]

    def compress_all(
        self, many: Sequence[bytes], dictionary: Dictionary | None = None
    ) -> list[bytes]:
        """Do the same for many: zstd's tables stay in the processor's cache meanwhile."""
        frames = list(map(self._compressor(dictionary).compress, many))
        unpack = self._decompressor(dictionary).decompress
        for frame, octets in zip(frames, many, strict=True):
            if unpack(frame) != octets:
                raise BadFrame("zstd does not give back what it was given")
        return frames

    def decompress(
        self, frame: bytes, size: int, dictionary: Dictionary | None = None
    ) -> bytes:
        """Unpack a frame of ``size`` octets. Raises BadFrame for any other frame."""
        decompressor = self._decompressor(dictionary)
        try:
            # zstd would allocate whatever a frame's header claims.
            _check(zstandard.get_frame_parameters(frame), size, dictionary)
            octets = decompressor.decompress(frame, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise BadFrame(str(error)) from error
        if len(octets) != size:
            raise BadFrame(f"{len(octets)} octets instead of {size}")
        return octets

    def _compressor(self, dictionary: Dictionary | None) -> zstandard.ZstdCompressor:
        known = self._local.compressors.get(dictionary)
        if known is None:
            _make_room(self._local.compressors, _COMPRESSORS)
            known = self._local.compressors[dictionary] = _compressor(dictionary)
        return known

    def _decompressor(self, dictionary: Dictionary | None) -> zstandard.ZstdDecompressor:
        known = self._local.decompressors.get(dictionary)
        if known is None:
            _make_room(self._local.decompressors, _DECOMPRESSORS)
            known = self._local.decompressors[dictionary] = _decompressor(dictionary)
        return known


def _make_room(contexts: dict[Dictionary | None, T], limit: int) -> None:
    """Let go of the context used for the oldest dictionary; the one without any stays."""
    named = [dictionary for dictionary in contexts if dictionary is not None]
    if len(contexts) >= limit and named:
        del contexts[named[0]]


class _Contexts:
    """A zstd context serves one thread at a time."""

    def __init__(self) -> None:
        self.compressors: dict[Dictionary | None, zstandard.ZstdCompressor] = {}
        self.decompressors: dict[Dictionary | None, zstandard.ZstdDecompressor] = {}


class _ContextsOfThreads(_Contexts, threading.local):
    """Each thread has its own."""


def _compressor(dictionary: Dictionary | None) -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(
        level=LEVEL,
        dict_data=dictionary.for_compression() if dictionary else None,
        write_checksum=True,
        write_content_size=True,
    )


def _decompressor(dictionary: Dictionary | None) -> zstandard.ZstdDecompressor:
    return zstandard.ZstdDecompressor(
        dict_data=dictionary.for_decompression() if dictionary else None,
        max_window_size=_WINDOW_LIMIT,
    )


def _check(
    parameters: zstandard.FrameParameters, size: int, dictionary: Dictionary | None
) -> None:
    if parameters.content_size != size or size > FRAME_LIMIT:
        raise BadFrame(f"a frame of {parameters.content_size} octets instead of {size}")
    if parameters.window_size > _WINDOW_LIMIT:
        raise BadFrame("a frame that needs too much memory")
    if parameters.dict_id != (dictionary.number if dictionary else 0):
        raise BadFrame("a frame of another dictionary")
    if not parameters.has_checksum:
        raise BadFrame("a frame without a checksum")


def unpack_dictionary(frame: bytes) -> Dictionary:
    """Read a stored dictionary. Raises BadFrame."""
    try:
        size = zstandard.get_frame_parameters(frame).content_size
    except zstandard.ZstdError as error:
        raise BadFrame(str(error)) from error
    return Dictionary(Codec().decompress(frame, size))


def train(texts: Sequence[bytes]) -> Dictionary | None:
    """Make a dictionary of what texts have in common; None where they are too few."""
    samples = _spread(texts, sum(map(len, texts)) // _TRAINING_LIMIT + 1)
    octets = sum(map(len, samples))
    size = min(_DICTIONARY_LIMIT, octets // _DICTIONARY_SHARE)
    if len(samples) < _LEAST_SAMPLES or size < _LEAST_DICTIONARY:
        return None
    try:
        # Fixed parameters: searching for better ones takes several times as long, and zstd's
        # own 2^20 counters twice as long as 2^18, for texts smaller by 0.4 %. Counting in a
        # third of the samples takes two thirds of the time, and makes texts no larger.
        trained = zstandard.train_dictionary(size, list(samples), k=1024, d=8, f=18, accel=3)
    except zstandard.ZstdError:
        return None  # the texts have nothing in common
    return Dictionary(trained.as_bytes())


def saving(texts: Sequence[bytes], new: Dictionary, old: Dictionary | None) -> float:
    """Estimate the share of its octets that a text gains by another dictionary."""
    codec = Codec()  # contexts are large, and the dictionary may be dropped
    trials = _spread(texts, len(texts) // _MOST_TRIALS + 1)
    gained = sum(
        len(codec.compress(text, old)) - len(codec.compress(text, new)) for text in trials
    )
    return gained / max(1, sum(map(len, trials)))


def _spread(texts: Sequence[bytes], step: int) -> Sequence[bytes]:
    return texts[::step]
