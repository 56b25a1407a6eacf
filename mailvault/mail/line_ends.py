"""Line ends: CRLF on the wire (RFC 5322 2.1), LF in files of programs for Unix."""

from collections.abc import Iterable, Iterator


def has_local_ends(start: bytes) -> bool:
    """Whether a message that begins so has the line ends of a Unix file: its first is a LF."""
    end = start.find(b"\n")
    return end >= 0 and start[end - 1 : end] != b"\r"


def with_crlf(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Give every LF that has none the CR it has on the wire; nothing else changes."""
    held = b""
    for chunk in chunks:
        data = held + chunk
        held = b"\r" if data.endswith(b"\r") else b""  # its LF may come with the next piece
        ready = data[:-1] if held else data
        yield ready.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if held:
        yield held
