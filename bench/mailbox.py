"""A Dovecot on loopback, filled with the mail to measure with."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path

from bench.generator import GeneratedMail, MailGenerator
from mailvault.protocols.imap import utf7
from tests.corpus.letter import Letter
from tests.servers.dovecot import Dovecot
from tests.servers.maildir import fill
from tests.servers.process import HOST

USER = "bench"
PASSWORD = "bench"
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class ServedMail:
    """Where the mail is served, and how much of it."""

    host: str
    port: int
    user: str
    password: str
    messages: int
    octets: int
    maildir: Path
    wire_names: tuple[str, ...]
    pop3_port: int = 0
    new_user: Callable[[], str] = lambda: USER
    """Make an empty account with the same password; give its name."""


@contextmanager
def served(mail: Iterator[GeneratedMail]) -> Iterator[ServedMail]:
    """Serve generated mail for as long as the context is open."""
    with Dovecot() as server:
        server.add_user(USER, PASSWORD)
        maildir = server.maildir(USER)
        messages, octets, names = _fill(maildir, mail, (server.owner.uid, server.owner.gid))
        wire_names = tuple(utf7.encode(name).decode("ascii") for name in names)
        yield ServedMail(
            HOST,
            server.ports["imap"],
            USER,
            PASSWORD,
            messages,
            octets,
            maildir,
            wire_names,
            server.ports["pop3"],
            partial(_new_user, server, count()),
        )


def _new_user(server: Dovecot, numbers: Iterator[int]) -> str:
    name = f"empty{next(numbers)}"
    server.add_user(name, PASSWORD)
    return name


def generated(messages: int, seed: int) -> Iterator[GeneratedMail]:
    return MailGenerator(seed).mail(messages)


def from_folder(folder: Path) -> Iterator[GeneratedMail]:
    """Every .eml below a folder, in the order of their paths, dated by their files."""
    for path in sorted(folder.rglob("*.eml")):
        when = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        yield GeneratedMail("INBOX", path.read_bytes(), frozenset({"\\Seen"}), when)


def in_inbox(mail: Iterator[GeneratedMail]) -> Iterator[GeneratedMail]:
    """The same mail, all of it where POP3 finds it."""
    return (replace(each, mailbox="INBOX") for each in mail)


def one_large(octets: int) -> Iterator[GeneratedMail]:
    """A single message with one attachment."""
    line = (
        b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3\r\n"
    )
    header = (
        b"Subject: large\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
    )
    body = line * (octets // len(line))
    yield GeneratedMail("INBOX", header + body, frozenset(), datetime(2024, 1, 1, tzinfo=UTC))


def _fill(
    maildir: Path, mail: Iterator[GeneratedMail], owner: tuple[int, int]
) -> tuple[int, int, list[str]]:
    """Write the mail in pieces, so that no more than a few messages are held at once."""
    waiting: dict[str, list[Letter]] = defaultdict(list)
    messages = octets = 0
    names = {"INBOX": None}
    for each in mail:
        names[each.mailbox] = None
        waiting[each.mailbox].append(Letter(each.octets, each.flags, each.internal_date))
        messages += 1
        octets += len(each.octets)
        if len(waiting[each.mailbox]) >= AT_ONCE:
            _write(maildir, each.mailbox, waiting.pop(each.mailbox), owner)
    for mailbox, letters in waiting.items():
        _write(maildir, mailbox, letters, owner)
    return messages, octets, list(names)


def _write(maildir: Path, mailbox: str, letters: list[Letter], owner: tuple[int, int]) -> None:
    # LAYOUT=fs: a mailbox is a folder below the INBOX, in modified UTF-7.
    folder = maildir if mailbox == "INBOX" else maildir / utf7.encode(mailbox).decode("ascii")
    for parent in reversed([p for p in folder.parents if p.is_relative_to(maildir)]):
        if not parent.exists():
            fill(parent, [], owner=owner)
    fill(folder, letters, owner=owner)
