"""Disasters on a real server: said with numbers, recorded, and nothing is lost."""

from collections.abc import Callable

import pytest

from tests.corpus.ordinary import generate
from tests.server.accounts import append_all, read
from tests.server.vault import Vault, difference
from tests.servers.dovecot import Dovecot
from tests.servers.imap_session import ImapSession
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server

MAILBOXES = ("INBOX", "Archive", "Sent", "Work")


def furnish(user: MailUser, first: int = 1) -> None:
    with user.session() as session:
        for number, name in enumerate(MAILBOXES, first):
            if name != "INBOX":
                session.create(name)
            append_all(session, name, generate(number, 25))


def emptied(session: ImapSession) -> None:
    for name in MAILBOXES:
        session.select(name)
        session.expunge("1:*")


def deleted(session: ImapSession) -> None:
    for name in MAILBOXES[1:]:
        session.command(b"DELETE ", name.encode())


def renamed(session: ImapSession) -> None:
    for name in MAILBOXES[1:]:
        session.command(b"RENAME ", name.encode(), b" ", name.encode() + b".old")


def exchanged(session: ImapSession) -> None:
    """Every message for a variant of it."""
    for name in MAILBOXES:
        letters = list(generate(MAILBOXES.index(name) + 1, 25))
        session.select(name)
        session.expunge("1:*")
        for letter in letters:
            session.append(name, letter.octets + b"\r\nlocked\r\n", [], None)


@pytest.mark.parametrize(
    ("disaster", "words"),
    [
        (deleted, "of 3 mailboxes 0 have other names and 3 are gone at once"),
        (renamed, "of 3 mailboxes 3 have other names and 0 are gone at once"),
        (exchanged, "of 25 messages came back with other octets under the same Message-ID"),
    ],
    ids=["deleted", "renamed", "exchanged"],
)
def test_a_disaster_is_said_with_numbers_and_nothing_is_lost(
    vault: Vault, mail_user: MailUser, disaster: Callable[[ImapSession], None], words: str
) -> None:
    furnish(mail_user)
    vault.sync()
    then = read(mail_user)
    with mail_user.session() as session:
        disaster(session)

    outcome = vault.run("sync", code=3)
    shown = vault.run("accept", "work", "--dry-run", "--json", code=3).document()

    assert words in outcome.stderr
    assert any(words in each["reason"] for each in shown["suspicions"])
    assert not difference(vault.holdings("--at", "1"), then)


def test_a_frozen_account_is_pruned_only_after_it_was_accepted(
    vault: Vault, mail_user: MailUser
) -> None:
    furnish(mail_user)
    vault.sync()
    with mail_user.session() as session:
        emptied(session)
    vault.run("sync", code=3)
    vault.run("sync")

    vault.run("prune", "--keep-last", "1", "--yes", code=3)
    frozen = len(vault.placements("--gone"))
    vault.run("accept", "work", "--yes")
    vault.run("prune", "--keep-last", "1", "--yes")

    assert (frozen, len(vault.placements("--gone"))) == (100, 0)


def test_another_users_mailboxes_take_nothing(
    vault: Vault, mail_user: MailUser, dovecot: Dovecot
) -> None:
    furnish(mail_user)
    vault.sync()
    then = read(mail_user)
    other = new_user(dovecot)
    furnish(other, 51)
    vault.configure(other)

    outcome = vault.run("sync", code=3)

    assert "all 25 messages are gone, and 25 others are there" in outcome.stderr
    assert not difference(vault.holdings("--at", "1"), then)
    vault.configure(mail_user)
    vault.run("sync", code=3)
    assert not difference(vault.holdings(), then)
