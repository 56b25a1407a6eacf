"""One client's conversation with the demonstration server; octets in, octets out.

IMAP4rev1 (RFC 3501) as far as a reader of mail needs it, with the extensions that make a
backup quick. Mail can be added where the session allows it, and never be changed or removed:
the demonstration changes the mailboxes themselves. Performs no I/O.
"""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import TypeAlias

from mailvault.demo import additions, answers
from mailvault.demo.commands import (
    LINE_LIMIT,
    BadCommand,
    CommandReader,
    CommandTooLong,
    Word,
    as_list,
    as_number,
    as_text,
    option_pairs,
    parse_words,
    upper_words,
)
from mailvault.demo.mailbox import ServedAccount, ServedMailbox
from mailvault.demo.selection import Selection

EXTENSIONS = (
    b"LITERAL+", b"SASL-IR", b"ID", b"ENABLE", b"NAMESPACE", b"UNSELECT", b"ESEARCH",
    b"SPECIAL-USE", b"LIST-EXTENDED", b"LIST-STATUS", b"CONDSTORE", b"QRESYNC", b"OBJECTID",
)  # fmt: skip
MAX_BAD_COMMANDS = 20
MESSAGE_LIMIT = 64 << 20
"""Octets of the messages that a client may add by one command."""
_TAG = re.compile(rb"[A-Za-z0-9._-]{1,64}")


CommandTable: TypeAlias = (
    "dict[bytes, tuple[tuple[State, ...], Callable[[list[Word]], list[bytes]]]]"
)


class State(Enum):
    """RFC 9051 3."""

    NOT_AUTHENTICATED = auto()
    AUTHENTICATED = auto()
    SELECTED = auto()
    LOGOUT = auto()


class Refused(Exception):
    """The command was understood, and the answer is NO."""


class Session:
    """The server's side of one connection."""

    def __init__(
        self,
        account: ServedAccount,
        *,
        extensions: Sequence[bytes] = EXTENSIONS,
        is_writable: bool = False,
    ) -> None:
        self.state = State.NOT_AUTHENTICATED
        self.commands: list[bytes] = []
        self._account = account
        self._is_writable = is_writable
        self._extensions = (*extensions, *(additions.EXTENSIONS if is_writable else ()))
        self._reader = CommandReader(MESSAGE_LIMIT) if is_writable else CommandReader()
        self._sasl_tag: bytes | None = None
        self._tag = b""
        self._code = b""  # the response code of the command's completion
        self._selection: Selection | None = None
        self._reports_vanished = False
        self._bad_commands = 0

    def greeting(self) -> bytes:
        return b"* OK [CAPABILITY " + self._capabilities() + b"] mailvault demo ready\r\n"

    @property
    def is_over(self) -> bool:
        return self.state is State.LOGOUT

    def receive(self, data: bytes) -> list[bytes]:
        """Take octets from the client and return what to send back."""
        self._reader.feed(data)
        output: list[bytes] = []
        try:
            while not self.is_over and (taken := self._reader.take()) is not None:
                command, is_whole = taken
                output += self._answer(command) if is_whole else [b"+ Ready\r\n"]
        except CommandTooLong as error:
            self.state = State.LOGOUT
            output.append(b"* BYE " + str(error).encode("ascii") + b"\r\n")
        return output

    def _answer(self, command: bytes) -> list[bytes]:
        with self._account.lock:
            if self._sasl_tag is not None:
                tag, self._sasl_tag = self._sasl_tag, None
                return self._completed(tag, lambda: self._plain(command))
            tag, _, rest = command.partition(b" ")
            if not _TAG.fullmatch(tag):
                return self._bad(b"*", BadCommand("no tag"))
            self._tag = tag
            self.commands.append(rest[:LINE_LIMIT])
            return self._completed(tag, lambda: self._dispatch(tag, rest))

    def _completed(self, tag: bytes, work: Callable[[], list[bytes] | None]) -> list[bytes]:
        """The responses of a command and its tagged completion."""
        try:
            output = work()
        except (Refused, additions.NotAdded) as refusal:
            return [tag + b" NO " + str(refusal).encode("ascii", "replace") + b"\r\n"]
        except BadCommand as error:
            return self._bad(tag, error)
        if output is None:  # AUTHENTICATE waits for its response
            return [b"+ \r\n"]
        code, self._code = self._code, b""
        return [*output, tag + b" OK " + code + b"Done\r\n"]

    def _bad(self, tag: bytes, error: BadCommand) -> list[bytes]:
        self._bad_commands += 1
        reason = ascii(str(error))[1:-1].encode("ascii")
        answer = [tag + b" BAD " + reason + b"\r\n"]
        if self._bad_commands >= MAX_BAD_COMMANDS:
            self.state = State.LOGOUT
            answer.append(b"* BYE Too many bad commands\r\n")
        return answer

    def _dispatch(self, tag: bytes, rest: bytes) -> list[bytes] | None:
        words = parse_words(rest)
        if not words:
            raise BadCommand("no command")
        name = as_text(words[0]).upper()
        if name == b"UID" and len(words) > 1:
            name, words = b"UID " + as_text(words[1]).upper(), words[1:]
        if name == b"AUTHENTICATE":
            return self._authenticate(tag, words[1:])
        table = self._table() | (self._writing_table() if self._is_writable else {})
        allowed, method = table.get(name, ((), None))
        if method is None:
            raise BadCommand("unknown command, or one this server does not have")
        if self.state not in allowed:
            raise BadCommand("not in this state")
        return method(words[1:])

    def _writing_table(self) -> CommandTable:
        inside = (State.AUTHENTICATED, State.SELECTED)
        return {
            b"CREATE": (inside, self._create),
            b"SUBSCRIBE": (inside, self._subscribe),
            b"APPEND": (inside, self._append),
        }

    def _table(self) -> CommandTable:
        any_state = (State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED)
        inside = (State.AUTHENTICATED, State.SELECTED)
        selected = (State.SELECTED,)
        return {
            b"CAPABILITY": (any_state, self._capability),
            b"NOOP": (any_state, self._noop),
            b"ID": (any_state, lambda _: [b'* ID ("name" "mailvault-demo")\r\n']),
            b"LOGOUT": (any_state, self._logout),
            b"LOGIN": ((State.NOT_AUTHENTICATED,), self._login),
            b"ENABLE": (inside, self._enable),
            b"NAMESPACE": (inside, lambda _: [b'* NAMESPACE (("" "/")) NIL NIL\r\n']),
            b"LIST": (inside, self._list),
            b"LSUB": (inside, self._lsub),
            b"STATUS": (inside, self._status),
            b"SELECT": (inside, self._examine),
            b"EXAMINE": (inside, self._examine),
            b"CHECK": (selected, self._noop),
            b"CLOSE": (selected, self._unselect),
            b"UNSELECT": (selected, self._unselect),
            b"UID SEARCH": (selected, self._search),
            b"UID FETCH": (selected, self._uid_fetch),
            b"FETCH": (selected, self._fetch),
        }

    # RFC 9051 6.1 and 6.2: any state, and before the login

    def _capabilities(self) -> bytes:
        return b" ".join([b"IMAP4rev1", b"AUTH=PLAIN", *self._extensions])

    def _capability(self, _: list[Word]) -> list[bytes]:
        return [b"* CAPABILITY " + self._capabilities() + b"\r\n"]

    def _logout(self, _: list[Word]) -> list[bytes]:
        self.state = State.LOGOUT
        return [b"* BYE Goodbye\r\n"]

    def _login(self, words: list[Word]) -> list[bytes]:
        if len(words) != 2:
            raise BadCommand("LOGIN needs a user and a password")
        return self._admit(as_text(words[0]), as_text(words[1]))

    def _authenticate(self, tag: bytes, words: list[Word]) -> list[bytes] | None:
        if self.state is not State.NOT_AUTHENTICATED:
            raise BadCommand("not in this state")
        if not words or as_text(words[0]).upper() != b"PLAIN":
            raise Refused("only PLAIN is offered")
        if len(words) > 1:
            return self._plain(as_text(words[1]))
        self._sasl_tag = tag
        return None

    def _plain(self, response: bytes) -> list[bytes]:
        try:
            _, user, password = base64.b64decode(response, validate=True).split(b"\0")
        except (binascii.Error, ValueError) as error:
            raise BadCommand("invalid SASL response") from error
        return self._admit(user, password)

    def _admit(self, user: bytes, password: bytes) -> list[bytes]:
        if (user, password) != (self._account.user.encode(), self._account.password.encode()):
            raise Refused("[AUTHENTICATIONFAILED] Wrong user or password")
        self.state = State.AUTHENTICATED
        return []

    # RFC 9051 6.3: after the login

    def _enable(self, words: list[Word]) -> list[bytes]:
        known = [as_text(word).upper() for word in words]
        enabled = [n for n in known if n in (b"CONDSTORE", b"QRESYNC") and self._offers(n)]
        self._reports_vanished |= b"QRESYNC" in enabled
        return [b" ".join([b"* ENABLED", *enabled]) + b"\r\n"]

    def _offers(self, extension: bytes) -> bool:
        return extension in self._extensions

    def _list(self, words: list[Word]) -> list[bytes]:
        """LIST, and with LIST-EXTENDED its options: RFC 5258, RFC 5819, RFC 6154."""
        is_extended = any(isinstance(word, list) for word in words) or len(words) > 2
        if len(words) < 2 or (is_extended and not self._offers(b"LIST-EXTENDED")):
            raise BadCommand("LIST needs a reference and a pattern")
        options = upper_words(as_list(words.pop(0))) if isinstance(words[0], list) else []
        if len(words) < 2:
            raise BadCommand("LIST needs a reference and a pattern")
        wanted = words[1] if isinstance(words[1], list) else [words[1]]
        if wanted == [b""]:
            return [b'* LIST (\\Noselect) "/" ""\r\n']
        chosen = self._matching(as_text(words[0]), [as_text(word) for word in wanted])
        if b"SUBSCRIBED" in options:
            chosen = [mailbox for mailbox in chosen if mailbox.is_subscribed]
        if b"SPECIAL-USE" in options:
            chosen = [mailbox for mailbox in chosen if mailbox.special_use]
        return self._listed(chosen, _status_items(words[2:]))

    def _listed(self, chosen: list[ServedMailbox], items: list[Word]) -> list[bytes]:
        output = []
        for mailbox in chosen:
            line = answers.listed(mailbox, has_children=self._has_children(mailbox))
            output.append(b"* LIST " + line + b"\r\n")
            if items and mailbox.is_selectable:
                output.append(answers.status(mailbox, items))
        return output

    def _lsub(self, words: list[Word]) -> list[bytes]:
        if len(words) != 2:
            raise BadCommand("LSUB needs a reference and a pattern")
        return [
            b"* LSUB " + answers.listed(mailbox, has_children=False) + b"\r\n"
            for mailbox in self._matching(as_text(words[0]), [as_text(words[1])])
            if mailbox.is_subscribed
        ]

    def _matching(self, reference: bytes, patterns: list[bytes]) -> list[ServedMailbox]:
        expressions = [_pattern(reference + pattern) for pattern in patterns]
        return [
            mailbox
            for mailbox in self._account.mailboxes()
            if any(e.fullmatch(answers.wire_name(mailbox.name)) for e in expressions)
        ]

    def _has_children(self, mailbox: ServedMailbox) -> bool:
        depth = len(mailbox.name.parts)
        return any(
            len(other.name.parts) > depth and other.name.parts[:depth] == mailbox.name.parts
            for other in self._account.mailboxes()
        )

    def _status(self, words: list[Word]) -> list[bytes]:
        if len(words) != 2:
            raise BadCommand("STATUS needs a mailbox and items")
        return [answers.status(self._find(words[0]), as_list(words[1]))]

    def _find(self, word: Word) -> ServedMailbox:
        mailbox = self._account.find(answers.read_name(as_text(word)))
        if mailbox is None or not mailbox.is_selectable:
            raise Refused("[NONEXISTENT] No such mailbox")
        return mailbox

    def _examine(self, words: list[Word]) -> list[bytes]:
        if not words:
            raise BadCommand("which mailbox?")
        self._unselect([])
        self._selection = Selection(self._find(words[0]))
        self.state = State.SELECTED
        output = self._selection.opening(is_writable=self._is_writable)
        for name, value in option_pairs(as_list(words[1]) if len(words) > 1 else []):
            if name == b"QRESYNC":
                output += self._resynchronised(as_list(value))
        return output

    def _resynchronised(self, parameters: list[Word]) -> list[bytes]:
        if not self._reports_vanished or len(parameters) < 2:
            raise BadCommand("ENABLE QRESYNC first")
        uidvalidity, modseq = as_number(parameters[0]), as_number(parameters[1])
        return self._selected().changes_since(uidvalidity, modseq)

    # What adds to the account

    def _create(self, words: list[Word]) -> list[bytes]:
        additions.create(self._account, words)
        return []

    def _subscribe(self, words: list[Word]) -> list[bytes]:
        self._find(words[0] if words else b"").is_subscribed = True
        return []

    def _append(self, words: list[Word]) -> list[bytes]:
        mailbox = self._account.find(answers.read_name(as_text(words[0] if words else b"")))
        if mailbox is None or not mailbox.is_selectable:
            raise Refused("[TRYCREATE] No such mailbox")
        self._code = additions.append(mailbox, words)
        return []

    # RFC 9051 6.4: in a mailbox

    def _unselect(self, _: list[Word]) -> list[bytes]:
        self._selection = None
        self.state = State.AUTHENTICATED
        return []

    def _noop(self, _: list[Word]) -> list[bytes]:
        if self._selection is None:
            return []
        return self._selection.news(with_vanished=self._reports_vanished)

    def _search(self, words: list[Word]) -> list[bytes]:
        return self._selected().search(words, self._tag)

    def _fetch(self, words: list[Word]) -> list[bytes]:
        return self._selected().fetch(words, by_uid=False)

    def _uid_fetch(self, words: list[Word]) -> list[bytes]:
        return self._selected().fetch(words, by_uid=True)

    def _selected(self) -> Selection:
        assert self._selection is not None
        return self._selection


def _status_items(words: list[Word]) -> list[Word]:
    """The STATUS items of LIST ... RETURN (... STATUS (...)): RFC 5819."""
    if not words:
        return []
    if len(words) != 2 or as_text(words[0]).upper() != b"RETURN":
        raise BadCommand("expected RETURN")
    return as_list(dict(option_pairs(as_list(words[1]))).get(b"STATUS", []))


def _pattern(text: bytes) -> re.Pattern[bytes]:
    """A LIST pattern: RFC 9051 6.3.9.  INBOX is matched in any case."""
    if text.upper() == b"INBOX":
        text = b"INBOX"
    pieces = re.split(rb"([*%])", text)
    wild = {b"*": rb".*", b"%": rb"[^/]*"}
    return re.compile(b"".join(wild.get(p, re.escape(p)) for p in pieces), re.DOTALL)
