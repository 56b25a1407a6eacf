"""POP3 accounts on real servers: archived to the octet, and deleted from with care."""

import hashlib
import os
from collections import Counter
from pathlib import Path

import pytest

from tests.corpus.odd import oddities
from tests.corpus.ordinary import generate, small
from tests.server.accounts import append_all, append_oddities
from tests.server.vault import Vault, totals
from tests.servers.dovecot import Dovecot
from tests.servers.imap_session import Refused
from tests.servers.maildir import fill
from tests.servers.pop3_session import Pop3Session
from tests.servers.process import MailServer
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server

AT_ONCE = "leave_on_server = false\n"


@pytest.fixture(params=["dovecot", "cyrus", "courier"])
def pop3_user(request: pytest.FixtureRequest) -> MailUser:
    """Somebody with the odd messages in the INBOX of each real server."""
    server: MailServer = request.getfixturevalue(request.param)
    user = new_user(server)
    with user.session() as session:
        append_oddities(session, "INBOX")
        for octets in corpus():
            try:
                session.append("INBOX", octets, [], None)
            except Refused:
                continue
    return user


def corpus() -> list[bytes]:
    """More odd mail, where $MAILVAULT_CORPUS names a folder of it."""
    folder = os.environ.get("MAILVAULT_CORPUS")
    if not folder:
        return []
    return [path.read_bytes() for path in sorted(Path(folder).rglob("*.eml"))]


@pytest.fixture
def full_user(mail_user: MailUser, dovecot: Dovecot) -> MailUser:
    """A user of Dovecot with 300 messages."""
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    fill(dovecot.maildir(mail_user.name), generate(5, 300), owner=owner)
    return mail_user


def pop3_vault(folder: Path, user: MailUser, settings: str = "") -> Vault:
    vault = Vault(folder, user, settings=pop3_settings(user, settings))
    vault.init()
    return vault


def pop3_settings(user: MailUser, settings: str = "", port: int | None = None) -> str:
    number = port or user.server.ports["pop3"]
    return f'protocol = "pop3"\nport = {number}\n{settings}'


def served(user: MailUser) -> dict[str, bytes]:
    with Pop3Session(user.server.ports["pop3"], user.name, user.password) as session:
        return session.messages()


def digests(messages: dict[str, bytes]) -> dict[str, str]:
    return {uidl: hashlib.sha256(octets).hexdigest() for uidl, octets in messages.items()}


def archived(vault: Vault, *arguments: str) -> dict[str, str]:
    return {each["remote_id"]: each["digest"] for each in vault.placements(*arguments)}


def test_every_message_is_archived_to_the_octet(tmp_path: Path, pop3_user: MailUser) -> None:
    vault = pop3_vault(tmp_path, pop3_user)

    report = vault.sync()

    messages = served(pop3_user)
    assert len(messages) >= len(list(oddities())) // 2
    assert totals(report, "arrived") == len(messages)
    assert archived(vault) == digests(messages)
    assert totals(vault.sync(), "arrived") == 0
    assert vault.run("verify", "--json").document()["findings"] == []


def test_new_mail_only_is_fetched_and_what_went_is_gone(
    tmp_path: Path, full_user: MailUser
) -> None:
    vault = pop3_vault(tmp_path, full_user)
    vault.sync()
    with full_user.session() as session:
        session.select("INBOX")
        session.expunge("1:3")
        append_all(session, "INBOX", small(9, 4))

    report = vault.sync()

    assert (totals(report, "arrived"), totals(report, "expunged")) == (4, 3)
    assert archived(vault) == digests(served(full_user))
    assert len(vault.placements("--gone")) == 3
    assert report["accounts"][0]["deleted_on_server"] == 0


def test_what_is_archived_is_deleted_and_can_be_read(
    tmp_path: Path, pop3_user: MailUser
) -> None:
    messages = served(pop3_user)
    vault = pop3_vault(tmp_path, pop3_user, AT_ONCE)

    report = vault.sync()

    assert report["accounts"][0]["deleted_on_server"] == len(messages)
    assert served(pop3_user) == {}
    gone = Counter(each["digest"] for each in vault.placements("--gone"))
    assert gone == Counter(digests(messages).values())
    for digest in gone:
        octets = vault.run("cat", digest).stdout
        assert hashlib.sha256(octets).hexdigest() == digest
    assert totals(vault.sync(), "arrived") == 0


def test_nothing_is_deleted_before_its_days_are_over(
    tmp_path: Path, full_user: MailUser
) -> None:
    vault = pop3_vault(tmp_path, full_user, "delete_after_days = 2\n")

    first, second = vault.sync(), vault.sync()

    assert first["accounts"][0]["deleted_on_server"] == 0
    assert second["accounts"][0]["deleted_on_server"] == 0
    assert len(served(full_user)) == 300


def test_check_tells_what_a_pop3_server_can_do(tmp_path: Path, pop3_user: MailUser) -> None:
    vault = pop3_vault(tmp_path, pop3_user)

    (report,) = vault.run("check", "--json").lines()

    assert report["features"]["UIDL"]
    assert [each["mailbox"] for each in report["mailboxes"]] == ["INBOX"]


def test_a_preview_counts_and_stores_nothing(tmp_path: Path, full_user: MailUser) -> None:
    vault = pop3_vault(tmp_path, full_user)
    vault.sync()
    with full_user.session() as session:
        session.append("INBOX", b"Subject: new\r\n\r\nnew\r\n", [], None)

    report = vault.sync("--dry-run")

    assert totals(report, "arrived") == 1
    assert len(vault.placements()) == 300


def test_stls_is_used_where_it_is_asked_for(
    tmp_path: Path, full_user: MailUser, dovecot: Dovecot
) -> None:
    settings = f'tls = "starttls"\nca_file = "{dovecot.ca_file}"\n'
    vault = pop3_vault(tmp_path, full_user, settings)

    assert totals(vault.sync(), "arrived") == 300


def test_implicit_tls_is_used_where_it_is_asked_for(
    tmp_path: Path, full_user: MailUser, dovecot: Dovecot
) -> None:
    port = dovecot.ports["pop3s"]
    settings = f'tls = "implicit"\nca_file = "{dovecot.ca_file}"\n'
    vault = Vault(tmp_path, full_user, settings=pop3_settings(full_user, settings, port))
    vault.init()

    assert totals(vault.sync(), "arrived") == 300
