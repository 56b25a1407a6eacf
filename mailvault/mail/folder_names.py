"""Mailbox names out of the paths of files: how mail programs name their folders. Pure.

Nothing here ever becomes a path again.
"""

import re
from collections.abc import Callable, Sequence

from mailvault.mail.model import MailboxName

Decode = Callable[[bytes], str]
"""How a name on disk is read: modified UTF-7, for Maildirs."""

_ESCAPED = re.compile(r"\\([0-9a-fA-F]{2})")
_MBOX_FILE = re.compile(
    r"\.(?:mbox|mbx|mbs|mboxrd|mboxo|mboxcl2?)?(?:\.(?:gz|bz2|xz|zst))?\Z", re.IGNORECASE
)
_APPLE_FOLDER = re.compile(r"\.(?:imap)?mbox\Z", re.IGNORECASE)
_THUNDERBIRD_FOLDER = re.compile(r"\.sbd\Z", re.IGNORECASE)
_KMAIL_FOLDER = re.compile(r"\.(.+)\.directory\Z", re.DOTALL)
_ARCHIVE_FILE = re.compile(
    r"\.(?:zip|tar|tgz|tbz2?|txz|tzst|pst|ost|olm)\Z|\.tar\.(?:gz|bz2|xz|zst)\Z", re.IGNORECASE
)
_ANONYMOUS = {"mbox"}
"""Files named for what they are: Apple's export and readpst name the folder instead."""

INBOX_PARTS = ("INBOX",)


def of_parts(parts: Sequence[str]) -> MailboxName:
    """A name of these levels; of none, INBOX."""
    levels = tuple(part for part in parts if part) or INBOX_PARTS
    first = "INBOX" if levels[0].upper() == "INBOX" else levels[0]
    return MailboxName((first, *levels[1:]))


def of_maildir(path: Sequence[str], decode: Decode) -> MailboxName:
    """A Maildir: ``.a.b`` is Maildir++, everything else a level, in modified UTF-7.

    The Maildir in which ``.a.b`` lies is the INBOX beside it, so it is no level of the name.
    """
    levels: list[str] = []
    for part in path:
        if kmail := _KMAIL_FOLDER.fullmatch(part):
            levels.append(text(kmail[1]))
        elif part.startswith(".") and len(part) > 1:
            levels += [_level(each, decode) for each in part[1:].split(".")]
        else:
            levels.append(_level(_THUNDERBIRD_FOLDER.sub("", part), decode))
    return of_parts(levels)


def of_mbox(path: Sequence[str], root: str) -> MailboxName:
    """An mbox file, by its name, without the ending."""
    *folders, name = path
    if name.lower() in _ANONYMOUS:
        return of_folder(folders, root)
    stem = _MBOX_FILE.sub("", name) or name
    return of_parts([*_folder_levels(folders), text(stem)])


def of_folder(path: Sequence[str], root: str) -> MailboxName:
    """A folder of message files. The root has no name in the path, so it brings its own."""
    levels = _folder_levels(path)
    return of_parts(levels or _folder_levels([root_name(root)]))


def root_name(name: str) -> str:
    """What the imported folder or file is called, without the endings of archives."""
    return _ARCHIVE_FILE.sub("", name)


def _folder_levels(path: Sequence[str]) -> list[str]:
    """Below one of Apple's ``.mbox`` folders only such folders are mailboxes."""
    levels = []
    is_in_apples = False
    for part in path:
        if kmail := _KMAIL_FOLDER.fullmatch(part):
            levels.append(text(kmail[1]))
        elif _APPLE_FOLDER.search(part):
            is_in_apples = True
            levels.append(text(_APPLE_FOLDER.sub("", part)))
        elif not is_in_apples:
            levels.append(text(_THUNDERBIRD_FOLDER.sub("", part)))
    return levels


def _level(part: str, decode: Decode) -> str:
    octets = part.encode("utf-8", "surrogateescape")
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), decode(octets))


def text(part: str) -> str:
    """A file name as text: UTF-8, else every octet a character."""
    octets = part.encode("utf-8", "surrogateescape")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")
