"""What cannot work ends with a clear sentence and the right exit code, and loses nothing."""

import socket
from pathlib import Path

import pytest

from tests.corpus.ordinary import generate
from tests.server.accounts import append_all, read
from tests.server.vault import Vault, difference
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.fault_proxy import Fault, FaultProxy, Kind
from tests.servers.process import free_ports
from tests.servers.users import MailUser

pytestmark = pytest.mark.server


@pytest.fixture
def synced(vault: Vault, mail_user: MailUser) -> Vault:
    """A vault that is level with a mailbox of ten messages."""
    with mail_user.session() as session:
        append_all(session, "INBOX", generate(1, 10))
    vault.sync()
    return vault


@pytest.mark.parametrize(
    ("settings", "code", "said"),
    [
        ('password = "wrong"', 11, "check user and password"),
        ('user = "nobody-here"', 11, "check user and password"),
        ('host = "host.invalid"\ntls = "implicit"', 10, "host.invalid"),
        ('host = "localhost"\ntls = "implicit"', 12, "TLS"),
    ],
    ids=["password", "user", "host", "tls-mode"],
)
def test_a_wrong_setting_is_named_and_nothing_is_lost(
    synced: Vault, mail_user: MailUser, settings: str, code: int, said: str
) -> None:
    before = synced.holdings()
    synced.configure(mail_user, settings=settings)

    outcome = synced.run("sync", code=code)

    assert said.lower() in outcome.stderr.lower()
    assert "Traceback" not in outcome.stderr
    assert mail_user.password not in outcome.stderr
    assert synced.holdings() == before


def test_a_closed_port_is_a_network_failure(synced: Vault, mail_user: MailUser) -> None:
    (port,) = free_ports(1)
    synced.configure(mail_user, port=port)

    assert str(port) in synced.run("sync", code=10).stderr


def test_a_service_that_is_not_imap_is_a_network_failure(
    synced: Vault, mail_user: MailUser, dovecot: Dovecot
) -> None:
    synced.configure(mail_user, port=dovecot.ports["pop3"])

    synced.run("sync", code=10)


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_certificate_of_another_authority_is_refused(
    synced: Vault, mail_user: MailUser, dovecot: Dovecot, tmp_path: Path, tls: str
) -> None:
    (tmp_path / "other").mkdir()
    other = Authority.create(tmp_path / "other")
    port = dovecot.ports["imaps" if tls == "implicit" else "imap"]
    with FaultProxy(port) as proxy:
        settings = f'tls = "{tls}"\nca_file = "{other.ca_file}"'
        synced.configure(mail_user, port=proxy.port, settings=settings)

        outcome = synced.run("sync", code=12)

    assert "certificate" in outcome.stderr.lower()
    assert mail_user.password.encode() not in proxy.traffic.sent


def test_a_password_in_the_clear_to_elsewhere_is_refused(
    synced: Vault, mail_user: MailUser
) -> None:
    # A name for this machine that is not a loopback one.
    synced.configure(mail_user, settings=f'host = "{socket.gethostname()}.example"')

    synced.run("sync", code=2)


def test_every_mistake_in_the_configuration_is_told_at_once(
    synced: Vault, mail_user: MailUser
) -> None:
    synced.configure(mail_user, settings='prot = 143\nconnections = "many"\ntls = "maybe"')

    said = synced.run("sync", code=2).stderr

    assert all(key in said for key in ("accounts.work.prot", "connections", "tls"))


def test_an_archive_in_use_is_left_alone(synced: Vault, mail_user: MailUser) -> None:
    with FaultProxy(mail_user.port, lambda number: Fault(Kind.STALL, 20)) as proxy:
        synced.configure(mail_user, port=proxy.port)
        with synced.start("sync") as holder:
            while not proxy.wait_for(lambda traffic: traffic.connections > 0):
                assert holder.poll() is None
            try:
                outcome = synced.run("sync", code=75)
                listed = synced.holdings()
            finally:
                holder.kill()
                holder.communicate()

    assert str(holder.pid) in outcome.stderr
    assert len(listed) == 10


def test_a_missing_archive_is_named(vault: Vault) -> None:
    vault.archive.rename(vault.folder / "elsewhere")

    assert str(vault.archive) in vault.run("sync", code=20).stderr


def test_globs_that_match_nothing_are_told(synced: Vault, mail_user: MailUser) -> None:
    synced.configure(mail_user, settings='mailboxes = ["*", "!Nosuch*"]')

    assert "Nosuch" in synced.run("sync").stderr


def test_one_failing_account_stops_no_other(synced: Vault, mail_user: MailUser) -> None:
    with mail_user.session() as session:
        append_all(session, "INBOX", generate(2, 3))
    text = synced.configuration.read_text()
    broken = text[text.index("[accounts.work]") :].replace("work", "broken")
    broken = broken.replace(mail_user.password, "wrong")
    synced.configuration.write_text(
        text.replace("[accounts.work]", broken + "\n[accounts.work]")
    )

    report = synced.sync(code=11)

    assert {account["account"]: account["ok"] for account in report["accounts"]} == {
        "broken": False,
        "work": True,
    }
    assert not difference(synced.holdings("work"), read(mail_user))
