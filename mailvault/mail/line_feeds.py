"""Counts the line ends of a message that are no CR LF: IMAP shows them as such."""


class BareLineFeeds:
    """Fed a message in chunks."""

    def __init__(self) -> None:
        self.count = 0
        self._ended_in_cr = False

    def feed(self, chunk: bytes) -> None:
        self.count += chunk.count(b"\n") - chunk.count(b"\r\n")
        if self._ended_in_cr and chunk.startswith(b"\n"):
            self.count -= 1
        if chunk:
            self._ended_in_cr = chunk.endswith(b"\r")
