"""Finds the end of a multi-line response and undoes its byte-stuffing (RFC 1939 3).

Exactly: only CRLF.CRLF ends it, only a dot the server can have added is taken away. A line
that begins with one dot and goes on was not stuffed, so it stays as it is.
"""

import re

# A stuffed dot begins as the end does.
_END = b"\r\n.\r\n"
_BEGINNINGS = tuple(_END[:length] for length in range(len(_END) - 1, 0, -1))
_DOT = re.compile(rb"\r\n\.")


class Unstuffer:
    """One response, fed as it comes. Every line end is kept as it was sent."""

    def __init__(self) -> None:
        # The CRLF of the status line may begin both the end and a stuffed dot.
        self._carry = b"\r\n"
        self._surplus = 2  # octets of that CRLF which are not of the message

    def feed(self, data: bytes, start: int) -> tuple[bytes, int | None]:
        """Take ``data`` from ``start`` on; give octets, and where the response ended, if so."""
        carried = len(self._carry)
        if data.startswith(self._carry, max(0, start - carried), start):  # nothing to copy
            return self._take(data, start - carried)
        octets, end = self._take(self._carry + data[start:], 0)
        return octets, None if end is None else start + end - carried

    def _take(self, data: bytes, start: int) -> tuple[bytes, int | None]:
        end, stuffed = _look(data, start)
        cut = max(start, _safe_cut(data)) if end is None else end + 2
        self._carry = data[cut:] if end is None else b""
        surplus = min(self._surplus, cut - start)
        self._surplus -= surplus
        octets = _without(stuffed, data, start + surplus, cut)
        return octets, None if end is None else end + len(_END)


def _look(data: bytes, start: int) -> tuple[int | None, list[int]]:
    """Where the end begins, and the places of stuffed dots before it: in one pass."""
    stuffed: list[int] = []
    for dot in _DOT.finditer(data, start):
        behind = dot.end()
        if data.startswith(b"\r\n", behind):
            return dot.start(), stuffed
        if data.startswith(b".", behind):
            stuffed.append(behind)
    return None, stuffed


def _without(places: list[int], data: bytes, first: int, cut: int) -> bytes:
    """``data[first:cut]`` but for the octets at some places."""
    if not places:
        return data[first:cut]
    firsts = [first, *(place + 1 for place in places)]
    ends = [*places, cut]
    return b"".join(data[one:end] for one, end in zip(firsts, ends, strict=True))


def _safe_cut(data: bytes) -> int:
    """Where neither the end nor a stuffed dot can be cut in two."""
    for beginning in _BEGINNINGS:
        if data.endswith(beginning):
            return len(data) - len(beginning)
    return len(data)
