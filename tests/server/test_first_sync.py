"""A first sync holds what an independent reader sees: mailbox, UID, octets, flags, date."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.corpus.letter import Letter
from tests.corpus.ordinary import FLAG_SETS, generate
from tests.server.accounts import ODD_NAMES, append_all, furnish, read
from tests.server.vault import Vault, difference, totals
from tests.servers.courier import Courier
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import Dovecot
from tests.servers.fault_proxy import FaultProxy
from tests.servers.maildir import fill
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server

CORPUS = os.environ.get("MAILVAULT_CORPUS")


def test_the_archive_holds_what_dovecot_serves(vault: Vault, furnished_user: MailUser) -> None:
    report = vault.sync()

    holdings = read(furnished_user)
    assert not difference(vault.holdings(), holdings)
    assert totals(report, "arrived") == len(holdings.messages)
    assert {line["mailbox"] for line in vault.run("mailboxes", "--json").lines()} == {
        "INBOX",
        *ODD_NAMES,
    }


def test_a_server_without_extensions_gives_the_same(
    tmp_path: Path, plain_dovecot: Dovecot
) -> None:
    assert_level_after_sync(tmp_path, new_user(plain_dovecot))


def test_the_archive_holds_what_cyrus_serves(tmp_path: Path, cyrus: Cyrus) -> None:
    # Cyrus refuses quotation marks and per cent signs in names.
    assert_level_after_sync(tmp_path, new_user(cyrus), names=("Läbel", "日本語", "With blank"))


def test_status_is_never_asked_for_the_mailbox_id(tmp_path: Path, cyrus: Cyrus) -> None:
    # Cyrus 3.6 to 3.10 answer with octets of freed memory, at times a parenthesis among them.
    user = new_user(cyrus)

    with FaultProxy(user.port) as proxy:
        vault = Vault(tmp_path, user, port=proxy.port)
        vault.init()
        vault.sync()

    assert b"STATUS" in proxy.traffic.sent
    assert b"MAILBOXID" not in proxy.traffic.sent


def test_the_archive_holds_what_courier_serves(tmp_path: Path, courier: Courier) -> None:
    names = ("Läbel", "日本語", "With blank", 'quo"te')
    assert_level_after_sync(tmp_path, new_user(courier), prefix="INBOX.", names=names)


def assert_level_after_sync(
    folder: Path, user: MailUser, *, prefix: str = "", names: tuple[str, ...] = ODD_NAMES
) -> None:
    furnish(user, prefix=prefix, names=names)
    vault = Vault(folder, user)
    vault.init()

    vault.sync()

    assert not difference(vault.holdings(), read(user))


@pytest.mark.parametrize("connections", [1, 4])
def test_parallel_connections_give_the_same(
    vault: Vault, furnished_user: MailUser, connections: int
) -> None:
    vault.configure(furnished_user, settings=f"connections = {connections}")

    vault.sync()

    assert not difference(vault.holdings(), read(furnished_user))


@pytest.mark.parametrize(("tls", "service"), [("implicit", "imaps"), ("starttls", "imap")])
def test_a_private_connection_gives_the_same(
    vault: Vault, furnished_user: MailUser, dovecot: Dovecot, tls: str, service: str
) -> None:
    vault.configure(
        furnished_user,
        port=dovecot.ports[service],
        settings=f'tls = "{tls}"\nca_file = "{dovecot.ca_file}"',
    )

    vault.sync()

    assert not difference(vault.holdings(), read(furnished_user))


@pytest.mark.parametrize(
    "mechanism", ["plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256"]
)
def test_every_way_to_log_in_works(vault: Vault, mail_user: MailUser, mechanism: str) -> None:
    vault.configure(mail_user, settings=f'auth = "{mechanism}"')

    vault.run("check")


def test_the_server_is_left_as_it_was(vault: Vault, furnished_user: MailUser) -> None:
    server = furnished_user.server
    assert isinstance(server, Dovecot)
    mail = server.maildir(furnished_user.name)
    # Mail just delivered is \Recent until a session selects the mailbox.
    fill(mail / "Fresh", generate(5, 20), owner=(server.owner.uid, server.owner.gid))
    for path in (mail / "Fresh" / "cur").iterdir():
        path.rename(mail / "Fresh" / "new" / path.name.split(":")[0])
    before = _trace(furnished_user), read(furnished_user)

    vault.sync()

    assert (_trace(furnished_user), read(furnished_user)) == before


def _trace(user: MailUser) -> list[bytes]:
    """What STATUS says of every mailbox; it counts \\Recent and takes none."""
    with user.session() as session:
        items = b"(MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)"
        replies, _ = session.command(b'LIST "" "*" RETURN (STATUS ', items, b")")
        return sorted(reply[0] for reply in replies if reply[0].startswith(b"* STATUS"))


def test_only_the_mailboxes_asked_for_are_archived(
    vault: Vault, furnished_user: MailUser
) -> None:
    vault.configure(furnished_user, settings='mailboxes = ["*", "!Läbel", "!100*"]')

    vault.sync()

    archived = {mailbox for mailbox, _ in vault.holdings()}
    assert archived == {"INBOX", *ODD_NAMES} - {"Läbel", "100%"}


def test_a_duplicate_is_stored_once(vault: Vault, mail_user: MailUser) -> None:
    letters = list(generate(9, 30))
    with mail_user.session() as session:
        for name in ("INBOX", "Copy", "Copy of copy"):
            if name != "INBOX":
                session.create(name)
            append_all(session, name, letters)

    vault.sync()

    status = vault.run("status", "--json").document()
    assert (status["archive"]["placements"], status["archive"]["messages"]) == (90, 30)


@pytest.mark.skipif(not CORPUS, reason="MAILVAULT_CORPUS names no folder of .eml files")
def test_the_archive_holds_a_corpus_of_published_mail(
    vault: Vault, mail_user: MailUser
) -> None:
    assert isinstance(mail_user.server, Dovecot)
    owner = mail_user.server.owner
    fill(mail_user.server.maildir(mail_user.name), _published(), owner=(owner.uid, owner.gid))

    report = vault.sync()

    holdings = read(mail_user)
    assert not difference(vault.holdings(), holdings)
    assert totals(report, "unreadable") == 0
    assert vault.run("verify", "--json").document()["findings"] == []


def _published() -> Iterator[Letter]:
    assert CORPUS
    for number, path in enumerate(sorted(Path(CORPUS).rglob("*.eml"))):
        octets = path.read_bytes()
        if octets.startswith(b"From "):
            octets = octets.split(b"\n", 1)[-1]
        yield Letter(octets, FLAG_SETS[number % len(FLAG_SETS)])
