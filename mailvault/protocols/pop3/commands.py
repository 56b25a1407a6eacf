"""Every command mailvault sends over POP3, and the one encoder that writes them.

What a user or a server chose reaches the wire only as a checked argument: no CR, LF or NUL.
"""

import base64
from dataclasses import dataclass, field
from enum import StrEnum

LONGEST = 255
"""Octets of a command line with its CRLF (RFC 2449 4)."""


class Name(StrEnum):
    CAPA = "CAPA"
    STLS = "STLS"
    UTF8 = "UTF8"
    USER = "USER"
    PASS = "PASS"  # noqa: S105 - the command, not a password
    APOP = "APOP"
    AUTH = "AUTH"
    STAT = "STAT"
    LIST = "LIST"
    UIDL = "UIDL"
    RETR = "RETR"
    TOP = "TOP"
    DELE = "DELE"
    RSET = "RSET"
    NOOP = "NOOP"
    QUIT = "QUIT"


class Answer(StrEnum):
    """What follows the status line of a +OK."""

    NOTHING = "nothing"
    LISTING = "listing"  # lines, kept in memory
    MESSAGE = "message"  # octets of any length


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it goes over the wire. ``number`` is the message it is about."""

    name: Name
    line: bytes = field(repr=False)
    answer: Answer = Answer.NOTHING
    number: int = 0


def _write(name: Name, *arguments: str | bytes) -> bytes:
    words = [each.encode() if isinstance(each, str) else each for each in arguments]
    for word in words:
        if any(octet in word for octet in b"\r\n\0"):
            raise ValueError(f"an argument of {name} holds a CR, LF or NUL")
    return b" ".join([name.encode(), *words]) + b"\r\n"


def _plain(name: Name, answer: Answer = Answer.NOTHING) -> Command:
    return Command(name, _write(name), answer)


def _about(name: Name, number: int, answer: Answer, *more: int) -> Command:
    if number < 1:
        raise ValueError(f"there is no message {number}")
    line = " ".join([name, *map(str, (number, *more))]) + "\r\n"
    return Command(name, line.encode("ascii"), answer, number)


CAPA = _plain(Name.CAPA, Answer.LISTING)
STLS = _plain(Name.STLS)
UTF8 = _plain(Name.UTF8)
STAT = _plain(Name.STAT)
LIST = _plain(Name.LIST, Answer.LISTING)
UIDL = _plain(Name.UIDL, Answer.LISTING)
RSET = _plain(Name.RSET)
NOOP = _plain(Name.NOOP)
QUIT = _plain(Name.QUIT)


def user(name: str) -> Command:
    if " " in name:  # RFC 1939 7: the name is one word
        raise ValueError("a name for USER holds a blank")
    return Command(Name.USER, _write(Name.USER, name))


def password(secret: str) -> Command:
    """RFC 1939 7: everything behind PASS and a blank is the password, blanks too."""
    return Command(Name.PASS, _write(Name.PASS, secret))


def apop(name: str, proof: str) -> Command:
    return Command(Name.APOP, _write(Name.APOP, name, proof))


def auth(mechanism: str, initial: bytes | None = None) -> Command:
    """Begin a SASL exchange (RFC 5034 4); an empty first response is written as ``=``."""
    if initial is None:
        return Command(Name.AUTH, _write(Name.AUTH, mechanism))
    return Command(Name.AUTH, _write(Name.AUTH, mechanism, base64.b64encode(initial) or b"="))


def retr(number: int) -> Command:
    return _about(Name.RETR, number, Answer.MESSAGE)


def top(number: int, lines: int = 0) -> Command:
    return _about(Name.TOP, number, Answer.MESSAGE, lines)


def dele(number: int) -> Command:
    return _about(Name.DELE, number, Answer.NOTHING)
