"""Names in the Maildirs: of files, and of folders.

A file's name says which placement it shows and nothing that may change, for Dovecot knows a
message by it. What does change, the flags, stands behind ``:2,``.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from mailvault.mail.maildir import file_system_level
from mailvault.mail.model import INBOX, Digest, MailboxName
from mailvault.protocols.imap import utf7

OURS = "6d76"
"""How the hexadecimal digits begin by which we name a mailbox for ever."""

LONGEST_LEVEL = 200
"""Octets of one level of a mailbox's name; file systems take 255."""

_LONGEST_PATH = 2000
_DIGEST_DIGITS = 32
_RESERVED = re.compile(r"(?:cur|new|tmp|subscriptions|maildir.*|dovecot.*)\Z", re.DOTALL)
_NAME = re.compile(
    r"(?P<base>(?P<uid>\d{1,10})\.M(?P<mailbox>\d{1,10})V(?P<uidvalidity>\d{1,10})"
    r"R(?P<run>\d{1,10})\.(?P<digest>[0-9a-f]{32}),S=(?P<size>\d{1,19}),W=(?P<crlf_size>\d{1,19}))"
    r"(?::2,(?P<letters>[A-Za-z]*))?"
)


@dataclass(frozen=True, slots=True)
class ServedName:
    """A file's name taken apart; ``base`` is what stands before the flags."""

    uid: int
    base: str
    prefix: str
    size: int
    crlf_size: int
    letters: str

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """Read a name that we gave; None for any other."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        base = found["base"]
        prefix = base.partition(",")[0]
        sizes = int(found["size"]), int(found["crlf_size"])
        return cls(int(found["uid"]), base, prefix, *sizes, found["letters"] or "")


def prefix_of(mailbox_id: int, uidvalidity: int, uid: int, run: int, digest: Digest) -> str:
    """What of a name follows from the catalog alone, but for its sizes."""
    return f"{uid}.M{mailbox_id}V{uidvalidity}R{run}.{str(digest)[:_DIGEST_DIGITS]}"


def base_of(prefix: str, size: int, crlf_size: int) -> str:
    return f"{prefix},S={size},W={crlf_size}"


def full_name(base: str, letters: str) -> str:
    return f"{base}:2,{letters}"


def base_in(name: str) -> str:
    """What of a full name stands in ``dovecot-uidlist``."""
    return name.partition(":")[0]


def mailbox_path(name: MailboxName) -> tuple[str, ...]:
    """Where a mailbox lies below its account; INBOX is the account's folder itself.

    Two mailboxes never share a path: no level is folded, and one that is too long ends in
    a hash of the whole name.
    """
    if name == INBOX:
        return ()
    levels = [_level(part, name.parts[: n + 1]) for n, part in enumerate(name.parts)]
    if sum(map(len, levels)) > _LONGEST_PATH:
        return (_hash(name.parts),)
    return tuple(levels)


def account_folder(account: str) -> str:
    """The folder of an account: the user that Dovecot knows."""
    return _level(account, (account,))


def mailbox_guid(archive_id: str, mailbox_id: int) -> str:
    """By which Dovecot knows a mailbox for ever; 32 hexadecimal digits."""
    digits = hashlib.sha256(f"{archive_id} mailbox {mailbox_id}".encode()).hexdigest()
    return (OURS + digits)[:32]


def _level(part: str, owner: tuple[str, ...]) -> str:
    level = file_system_level(part, utf7.encode)
    if _RESERVED.match(level):
        level = f"\\{ord(level[0]):02x}{level[1:]}"
    if len(level) <= LONGEST_LEVEL:
        return level
    return f"{level[: LONGEST_LEVEL - 40]}+{_hash(owner)}"


def _hash(parts: tuple[str, ...]) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()[:32]
