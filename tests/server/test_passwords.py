"""Passwords of every kind, by every mechanism, at a real Dovecot."""

import unicodedata
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from mailvault.errors import LoginRefused
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.imap import ImapClient
from mailvault.transport.pop3 import Pop3Client
from tests.server.vault import Vault
from tests.servers.dovecot import Dovecot
from tests.servers.process import HOST
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server

PASSWORDS = {
    "umlauts": "pässwörd €",
    "other scripts": "пароль 日本語",
    "beyond the basic plane": "key\N{SNAKE}",
    "quotes and blanks": ' two "words" \\ {3} %',
    "empty": "",
}
MECHANISMS = ("plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256")


@pytest.fixture(scope="module")
def people(dovecot: Dovecot) -> dict[str, MailUser]:
    return {kind: new_user(dovecot, password) for kind, password in PASSWORDS.items()}


def connect(
    protocol: str, user: MailUser, password: str, mechanism: str
) -> AbstractContextManager[ImapClient | Pop3Client]:
    where = Endpoint(HOST, user.server.ports[protocol], TlsMode.NONE)
    login = Login(user.name, lambda: password, mechanism)
    if protocol == "pop3":
        return Pop3Client.connect(where, login, None)
    return ImapClient.connect(where, login, None)


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("kind", PASSWORDS)
def test_every_mechanism_carries_every_password(
    people: dict[str, MailUser], kind: str, mechanism: str, protocol: str
) -> None:
    user = people[kind]

    with connect(protocol, user, user.password, mechanism) as client:
        client.noop()


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_an_empty_password_is_no_other_password(
    people: dict[str, MailUser], mechanism: str, protocol: str
) -> None:
    with pytest.raises(LoginRefused):
        connect(protocol, people["umlauts"], "", mechanism)


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
@pytest.mark.parametrize("mechanism", ["scram-sha-1", "scram-sha-256"])
def test_scram_knows_a_password_however_it_was_typed(
    people: dict[str, MailUser], mechanism: str, protocol: str
) -> None:
    user = people["umlauts"]
    decomposed = unicodedata.normalize("NFD", user.password)
    assert decomposed != user.password

    with connect(protocol, user, decomposed, mechanism) as client:
        client.noop()


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_an_account_with_an_empty_password_is_synced(
    people: dict[str, MailUser], tmp_path: Path, protocol: str
) -> None:
    user = people["empty"]
    settings = f'protocol = "{protocol}"\nport = {user.server.ports[protocol]}\n'
    vault = Vault(tmp_path, user, settings=settings)
    vault.init()

    vault.sync()  # which ends with 0
