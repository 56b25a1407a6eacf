"""Finds the end of a multi-line response and undoes its byte-stuffing (RFC 1939 3).

Exactly: only CRLF.CRLF ends it, only a dot the server can have added is taken away. A line
that begins with one dot and goes on was not stuffed, so it stays as it is.
"""

import re

_END = b"\r\n.\r\n"
_STUFFED, _PLAIN = b"\r\n..", b"\r\n."
_BEGINNINGS = tuple(_END[:length] for length in range(len(_END) - 1, 0, -1))  # of both
_DOT = re.compile(rb"\r\n\.")


def whole_response(data: bytes, start: int) -> tuple[bytes, int] | None:
    """The response behind a status line and its CRLF, and where it ends, if all is here."""
    if start < 2 or not data.startswith(b"\r\n", start - 2):
        return None
    # That CRLF may begin both the end and a stuffed dot.
    end, is_stuffed = _look(data, start - 2)
    if end is None:
        return None
    return _unstuffed(data, start, end + 2, surplus=2, is_stuffed=is_stuffed), end + len(_END)


class Unstuffer:
    """One response, fed as it comes. Every line end is kept as it was sent."""

    def __init__(self) -> None:
        # The CRLF of the status line may begin both the end and a stuffed dot.
        self._carry = b"\r\n"
        self._surplus = 2  # octets of that CRLF which are not of the message

    def feed(self, data: bytes, start: int) -> tuple[bytes, int | None]:
        """Take ``data`` from ``start`` on; give octets, and where the response ended, if so."""
        carried = len(self._carry)
        if not carried:
            return self._take(data, start)
        octets, end = self._take(self._carry + data[start:], 0)
        return octets, None if end is None else start + end - carried

    def _take(self, data: bytes, start: int) -> tuple[bytes, int | None]:
        end, is_stuffed = _look(data, start)
        cut = max(start, _safe_cut(data)) if end is None else end + 2
        self._carry = data[cut:] if end is None else b""
        surplus = min(self._surplus, cut - start)
        self._surplus -= surplus
        first = start + surplus
        octets = _unstuffed(data, first, cut, surplus=surplus, is_stuffed=is_stuffed)
        return octets, None if end is None else end + len(_END)


def _unstuffed(data: bytes, first: int, cut: int, *, surplus: int, is_stuffed: bool) -> bytes:
    """``data[first:cut]`` as it was; the first dot may be stuffed by a line end before it."""
    if not is_stuffed:
        return data[first:cut]
    return data[first - surplus : cut].replace(_STUFFED, _PLAIN)[surplus:]


def _look(data: bytes, start: int) -> tuple[int | None, bool]:
    """Where the end begins, and whether there are stuffed dots before it: in one pass."""
    is_stuffed = False
    for dot in _DOT.finditer(data, start):
        if data.startswith(b"\r\n", dot.end()):
            return dot.start(), is_stuffed
        is_stuffed = is_stuffed or data.startswith(b".", dot.end())
    return None, is_stuffed


def _safe_cut(data: bytes) -> int:
    """Where neither the end nor a stuffed dot can be cut in two."""
    for beginning in _BEGINNINGS:
        if data.endswith(beginning):
            return len(data) - len(beginning)
    return len(data)
