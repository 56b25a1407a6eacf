"""The commands that add to what a server keeps, and what it answers to them.

RFC 9051 6.3.4, 6.3.7, 6.3.12; RFC 3502 (MULTIAPPEND), RFC 4315 (UIDPLUS), RFC 6154 (USE).
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from mailvault.mail.model import Flags, Octets, Uid
from mailvault.protocols.imap.commands import (
    Argument,
    Atom,
    Command,
    FlagWord,
    MessageLiteral,
    Name,
    String,
)
from mailvault.protocols.imap.dates import format_internal_date
from mailvault.protocols.imap.types import ResponseCode
from mailvault.protocols.imap.uidset import MAXIMUM

_NUMBER = re.compile(rb"[0-9]{1,10}")
_UID_SET = re.compile(rb"[0-9]{1,10}(:[0-9]{1,10})?(,[0-9]{1,10}(:[0-9]{1,10})?)*")


class Appended(NamedTuple):
    """One message of an APPEND. Its date keeps its zone; without one it is the present."""

    octets: Octets
    flags: Flags
    internal_date: datetime | None


def create(mailbox: bytes, special_use: str | None = None) -> Command:
    """Make a mailbox; a use needs CREATE-SPECIAL-USE."""
    arguments: tuple[Argument, ...] = (String(mailbox),)
    if special_use is not None:
        arguments += ((Atom("USE"), (FlagWord(special_use),)),)
    return Command(Name.CREATE, arguments, mailbox=mailbox)


def subscribe(mailbox: bytes) -> Command:
    return Command(Name.SUBSCRIBE, (String(mailbox),), mailbox=mailbox)


def get_quota_root(mailbox: bytes) -> Command:
    """RFC 9208 4.3."""
    return Command(Name.GETQUOTAROOT, (String(mailbox),), mailbox=mailbox)


def append(mailbox: bytes, messages: Sequence[Appended], *, is_utf8: bool = False) -> Command:
    """Add messages; several need MULTIAPPEND. Raises ValueError for what is no flag."""
    arguments: list[Argument] = [String(mailbox)]
    for message in messages:
        if message.flags:
            arguments.append([FlagWord(flag) for flag in sorted(message.flags)])
        if message.internal_date is not None:
            arguments.append(String(format_internal_date(message.internal_date)))
        arguments.append(MessageLiteral(message.octets, is_utf8=is_utf8))
    return Command(Name.APPEND, tuple(arguments), mailbox=mailbox)


def append_uids(code: ResponseCode | None, count: int) -> tuple[int, list[Uid]] | None:
    """Read APPENDUID: UIDVALIDITY and the UIDs in the order of the messages.

    None if it is another code, or not about so many messages.
    """
    if code is None or code.name != "APPENDUID":
        return None
    uidvalidity, _, uid_set = code.arguments.partition(b" ")
    if not _NUMBER.fullmatch(uidvalidity) or not _UID_SET.fullmatch(uid_set):
        return None
    uids: list[Uid] = []
    for element in uid_set.split(b","):
        first, _, last = element.partition(b":")
        low, high = sorted((int(first), int(last or first)))
        if high - low >= count or high > MAXIMUM:
            return None
        uids += map(Uid, range(low, high + 1))
    return (int(uidvalidity), uids) if len(uids) == count else None
