"""A mailbox that one client has opened, and the messages as that client numbers them."""

from collections.abc import Callable
from typing import TypeAlias

from mailvault.demo import answers
from mailvault.demo.commands import (
    BadCommand,
    Word,
    as_list,
    as_number,
    as_text,
    format_set,
    parse_set,
    upper_words,
)
from mailvault.demo.mailbox import ServedMailbox, ServedMessage

Ranges: TypeAlias = list[tuple[int, int]]

_FLAG_NAMES = (b"SEEN", b"ANSWERED", b"FLAGGED", b"DELETED", b"DRAFT")


class Selection:
    """What SELECT and EXAMINE open: RFC 9051 3.3.

    The numbering stays as it was told to the client until `news` tells of changes.
    """

    def __init__(self, mailbox: ServedMailbox) -> None:
        self._mailbox = mailbox
        self._view = list(mailbox.messages.values())

    def opening(self, *, is_writable: bool = False) -> list[bytes]:
        return answers.selected(self._mailbox, self._view, is_writable=is_writable)

    def changes_since(self, uidvalidity: int, modseq: int) -> list[bytes]:
        """What happened since a QRESYNC client last looked: RFC 7162 3.2.5."""
        if uidvalidity != self._mailbox.uidvalidity:
            return []
        everything = [(1, self._mailbox.uidnext)]
        changed = self._chosen(everything, _uid_of, modseq)
        return [
            *self._vanished_earlier(everything, modseq),
            *_fetched(changed, [b"UID", b"FLAGS", b"MODSEQ"]),
        ]

    def news(self, *, with_vanished: bool) -> list[bytes]:
        """Say what changed since the client last heard of the mailbox."""
        present = self._mailbox.messages
        known = {message.uid: message for message in self._view}
        gone = [message for message in self._view if message.uid not in present]
        output = self._expunged(gone, with_vanished=with_vanished)
        self._view = list(present.values())
        if len(self._view) != len(known) - len(gone):
            output.append(b"* %d EXISTS\r\n" % len(self._view))
        changed = [
            (number, message)
            for number, message in enumerate(self._view, 1)
            if message.uid in known and known[message.uid].modseq != message.modseq
        ]
        return output + _fetched(changed, [b"UID", b"FLAGS"])

    def _expunged(self, gone: list[ServedMessage], *, with_vanished: bool) -> list[bytes]:
        if gone and with_vanished:
            return [b"* VANISHED " + format_set([m.uid for m in gone]) + b"\r\n"]
        numbers = {message.uid: number for number, message in enumerate(self._view, 1)}
        # From the last to the first, so that no number is shifted by the one before it.
        return [b"* %d EXPUNGE\r\n" % numbers[m.uid] for m in reversed(gone)]

    def search(self, words: list[Word], tag: bytes) -> list[bytes]:
        """UID SEARCH by UID, number and flag, with ESEARCH: RFC 9051 6.4.4, RFC 4731."""
        options: list[bytes] | None = None
        if len(words) > 1 and upper_words(words[:1]) == [b"RETURN"]:
            options, words = upper_words(as_list(words[1])) or [b"ALL"], words[2:]
        uids = [m.uid for n, m in enumerate(self._view, 1) if self._matches(n, m, words)]
        if options is None:
            return [b" ".join([b"* SEARCH", *(b"%d" % uid for uid in uids)]) + b"\r\n"]
        results = {b"COUNT": b"%d" % len(uids)}
        if uids:
            results |= {b"MIN": b"%d" % uids[0], b"MAX": b"%d" % uids[-1]}
            results[b"ALL"] = format_set(uids)
        found = b"".join(
            b" %b %b" % (name, results[name]) for name in options if name in results
        )
        return [b"* ESEARCH (TAG " + answers.quote(tag) + b") UID" + found + b"\r\n"]

    def _matches(self, number: int, message: ServedMessage, words: list[Word]) -> bool:
        criteria = iter(upper_words(words))
        for name in criteria:
            if name == b"ALL":
                continue
            if name == b"UID":
                is_match = _within(message.uid, self._uid_ranges(next(criteria, b"")))
            elif name in _FLAG_NAMES:
                is_match = f"\\{name.decode('ascii').title()}" in message.flags
            elif name[:1].isdigit() or name[:1] == b"*":
                is_match = _within(number, parse_set(name, len(self._view)))
            else:
                raise BadCommand("this search is not served here")
            if not is_match:
                return False
        return True

    def fetch(self, words: list[Word], *, by_uid: bool) -> list[bytes]:
        """FETCH and UID FETCH: RFC 9051 6.4.5, RFC 7162 3.1.4 and 3.2.6."""
        if len(words) < 2:
            raise BadCommand("FETCH needs a set and items")
        items = [as_text(w) for w in (words[1] if isinstance(words[1], list) else [words[1]])]
        since, wants_vanished = _fetch_modifiers(words[2:])
        names = [item.upper() for item in items]
        if since is not None and b"MODSEQ" not in names:
            items.append(b"MODSEQ")  # RFC 7162 3.1.4.1
        if not by_uid:
            numbers = {message.uid: number for number, message in enumerate(self._view, 1)}
            ranges = parse_set(words[0], len(self._view))
            return _fetched(self._chosen(ranges, lambda m: numbers[m.uid], since), items)
        if b"UID" not in names:
            items.insert(0, b"UID")
        ranges = self._uid_ranges(words[0])
        vanished = self._vanished_earlier(ranges, since or 0) if wants_vanished else []
        return vanished + _fetched(self._chosen(ranges, _uid_of, since), items)

    def _uid_ranges(self, word: Word) -> Ranges:
        return parse_set(word, self._view[-1].uid if self._view else 0)

    def _vanished_earlier(self, ranges: Ranges, modseq: int) -> list[bytes]:
        gone = [uid for uid in self._mailbox.vanished_since(modseq) if _within(uid, ranges)]
        return [b"* VANISHED (EARLIER) " + format_set(gone) + b"\r\n"] if gone else []

    def _chosen(
        self, ranges: Ranges, key: Callable[[ServedMessage], int], since: int | None
    ) -> list[tuple[int, ServedMessage]]:
        """The numbered messages within the ranges, changed after a mod-sequence if given."""
        present = self._mailbox.messages
        return [
            (number, present.get(message.uid, message))
            for number, message in enumerate(self._view, 1)
            if _within(key(message), ranges)
            and (since is None or present.get(message.uid, message).modseq > since)
        ]


def _uid_of(message: ServedMessage) -> int:
    return message.uid


def _within(number: int, ranges: Ranges) -> bool:
    return any(first <= number <= last for first, last in ranges)


def _fetched(numbered: list[tuple[int, ServedMessage]], items: list[bytes]) -> list[bytes]:
    return [p for number, message in numbered for p in answers.fetched(number, message, items)]


def _fetch_modifiers(words: list[Word]) -> tuple[int | None, bool]:
    """CHANGEDSINCE and VANISHED: RFC 7162 3.1.4.1 and 3.2.6."""
    if not words:
        return None, False
    modifiers = as_list(words[0])
    names = upper_words(modifiers)
    if b"CHANGEDSINCE" not in names[:-1]:
        raise BadCommand("unknown FETCH modifier")
    since = as_number(modifiers[names.index(b"CHANGEDSINCE") + 1])
    return since, b"VANISHED" in names
