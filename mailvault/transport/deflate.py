"""COMPRESS=DEFLATE (RFC 4978): both directions of a connection, with bounded inflation."""

import zlib

from mailvault.errors import ProtocolViolation

PIECE = 1 << 18
_RAW = -15  # RFC 4978 4: no zlib header


class Deflation:
    """A compressed connection's two halves. Inflated data comes in pieces of bounded size."""

    def __init__(self) -> None:
        self._out = zlib.compressobj(wbits=_RAW)
        self._in = zlib.decompressobj(wbits=_RAW)
        self._pending = b""
        self._is_full = False

    def deflate(self, data: bytes) -> bytes:
        return self._out.compress(data) + self._out.flush(zlib.Z_SYNC_FLUSH)

    def feed(self, data: bytes) -> None:
        """Take what came off the wire; only after `inflated` has given its last piece."""
        assert not self._pending
        self._pending = data

    def inflated(self) -> bytes:
        """Return the next piece, at most `PIECE` octets; empty when more must be fed.

        Raises:
            ProtocolViolation: the data is not a deflate stream, or the stream ended.
        """
        # A full piece may leave output inside zlib although all input was taken.
        if not self._pending and not self._is_full:
            return b""
        if self._in.eof:
            raise ProtocolViolation("the server ended the compressed stream and went on")
        try:
            piece = self._in.decompress(self._pending, PIECE)
        except zlib.error as error:
            raise ProtocolViolation("the server sent damaged compressed data") from error
        self._pending = self._in.unconsumed_tail or self._in.unused_data
        self._is_full = len(piece) == PIECE
        return piece
