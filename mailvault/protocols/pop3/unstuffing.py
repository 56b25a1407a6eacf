"""Finds the end of a multi-line response and undoes its byte-stuffing (RFC 1939 3).

Exactly: only CRLF.CRLF ends it, only a dot the server can have added is taken away. A line
that begins with one dot and goes on was not stuffed, so it stays as it is.
"""

_END = b"\r\n.\r\n"
_STUFFED, _PLAIN = b"\r\n..", b"\r\n."
_BEGINNINGS = tuple(_END[:length] for length in range(len(_END) - 1, 0, -1))  # of both


class Unstuffer:
    """One response, fed as it comes. Every line end is kept as it was sent."""

    def __init__(self) -> None:
        # The CRLF of the status line may begin both the end and a stuffed dot.
        self._carry = b"\r\n"
        self._surplus = 2  # octets of that CRLF which are not of the message

    def feed(self, data: bytes, start: int) -> tuple[bytes, int | None]:
        """Take ``data`` from ``start`` on; give octets, and where the response ended, if so."""
        if self._surplus and data.startswith(b"\r\n", start - 2 if start > 1 else len(data)):
            end = data.find(_END, start - 2)
            if end >= 0:  # the usual case: all of a message is here
                return data[start - 2 : end + 2].replace(_STUFFED, _PLAIN)[2:], end + 5
        return self._join(data, start)

    def _join(self, data: bytes, start: int) -> tuple[bytes, int | None]:
        carried = len(self._carry)
        joined = self._carry + data[start:]
        end = joined.find(_END)
        if end >= 0:
            return self._give(joined[: end + 2]), start + end + 5 - carried
        cut = _safe_cut(joined)
        self._carry = joined[cut:]
        return self._give(joined[:cut]), None

    def _give(self, octets: bytes) -> bytes:
        whole = octets.replace(_STUFFED, _PLAIN)
        if self._surplus and whole:
            surplus, self._surplus = self._surplus, 0
            return whole[surplus:]
        return whole


def _safe_cut(data: bytes) -> int:
    """Where neither the end nor a stuffed dot can be cut in two."""
    for beginning in _BEGINNINGS:
        if data.endswith(beginning):
            return len(data) - len(beginning)
    return len(data)
