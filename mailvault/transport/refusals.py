"""What servers of every protocol say when they refuse."""

import re

from mailvault.transport.printable import printable

# Exchange: "Request is throttled. Suggested Backoff Time: 299961 milliseconds"
_BACKOFF = re.compile(r"backoff time: (\d{1,9}) milliseconds", re.IGNORECASE)


def suggested_wait(text: str) -> float | None:
    """The seconds that a throttling server wants to be left alone."""
    found = _BACKOFF.search(text)
    return int(found[1]) / 1000 if found else None


def words(code: str | None, text: str, secret: str = "") -> str:
    """The server's own words, safe to show. `secret` is cut out, should it repeat that."""
    shown = printable(text.replace(secret, "***") if secret else text)
    return (f"[{printable(code)}] " if code else "") + (shown or "it did not say why")
