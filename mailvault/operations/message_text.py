"""The text of a message, for a person. Hostile octets are read within limits; never raises."""

import html
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from itertools import islice

TEXT_LIMIT = 1 << 20
PART_LIMIT = 200
WORK_LIMIT = 20_000_000
"""Boundaries times lines: the email package compares each line with every open boundary."""

# The email package splits parameters in quadratic time (python/cpython#136063).
_LONG_FIELD = re.compile(
    rb"^(content-[a-z-]{1,40}[ \t]*:(?:[^\n]|\n[ \t]){4000})(?:[^\n]|\n[ \t])*",
    re.IGNORECASE | re.MULTILINE,
)

# What the email package is known to raise for mail that it cannot take apart.
PARSER_ERRORS = (
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)


def find_text(octets: bytes) -> tuple[str | None, str | None]:
    """Find the text of a message, and say what is remarkable about it. Never raises."""
    if octets.lower().count(b"boundary") * octets.count(b"\n") > WORK_LIMIT:
        return None, "it has too many parts to be taken apart"
    try:
        message = message_from_bytes(_LONG_FIELD.sub(rb"\1", octets))
        parts = list(islice(_texts(message), PART_LIMIT))
        for wanted in ("text/plain", "text/html"):
            for part in parts:
                if part.get_content_type() == wanted:
                    return _decoded(part)
    except PARSER_ERRORS as error:
        return None, f"its structure cannot be read ({type(error).__name__})"
    return None, "it has no text"


def _texts(message: "Message[str, str]") -> "Iterator[Message[str, str]]":
    for part in message.walk():
        if part.get_content_maintype() == "text" and part.get_content_disposition() in (
            None,
            "inline",
        ):
            yield part


def _decoded(part: "Message[str, str]") -> tuple[str, str | None]:
    payload = part.get_payload(decode=True)
    octets = payload[:TEXT_LIMIT] if isinstance(payload, bytes) else b""
    text = _to_text(octets, part.get_content_charset())
    if part.get_content_type() == "text/html":
        return html_to_text(text), "this is its HTML without the markup"
    return text, None


def _to_text(octets: bytes, charset: str | None) -> str:
    for name in (charset, "utf-8"):
        try:
            return octets.decode(name or "utf-8")
        except (LookupError, ValueError):
            continue
    return octets.decode("latin-1")


_DROPPED = re.compile(r"(?is)<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)")
_BREAKS = re.compile(r"(?i)<(?:br|/?p|/?div|/?tr|/?li|/?h[1-6]|/?table)\b[^<>]*>")
_TAGS = re.compile(r"<[^<>]*>")


def html_to_text(markup: str) -> str:
    """Take the markup away, so that the words can be read. Shows nothing, fetches nothing."""
    words = _TAGS.sub("", _BREAKS.sub("\n", _DROPPED.sub("", markup)))
    lines = (" ".join(line.split()) for line in html.unescape(words).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
