"""What a store and its workers say to each other: plain values, which are cheap to pickle."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from mailvault.archive.content.tray import Parcel
from mailvault.archive.header_index import Fields

FrameWords: TypeAlias = tuple[int, bool, bool]
"""Decompressed size, whether the request's dictionary was used, is it compressed."""

ObjectWords: TypeAlias = tuple[bytes, int, Sequence[FrameWords], bool, bool]
"""Digest, kind, frames, does it replace a damaged copy, is it text."""

Words: TypeAlias = tuple[bytes, int, Fields | None, Sequence[ObjectWords]] | str
"""Digest, size, index and objects of a message; or why it could not be prepared."""


class Request(NamedTuple):
    """Messages to prepare; `told` are objects that the store got since the request before.

    ``dictionary`` is the number of the one to use, and its content if it may be new.
    """

    messages: Parcel
    told: Sequence[bytes]
    is_collecting: bool
    dictionary: tuple[int, bytes | None] | None


class Reply(NamedTuple):
    """What was made of them: `words` in their order, and the octets of all frames in turn."""

    words: Sequence[Words]
    frames: Parcel
