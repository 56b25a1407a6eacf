"""Being private, and logging in, with a real Dovecot."""

import ssl

import pytest

from mailvault.errors import ConnectionLost, LoginRefused, MailvaultError, TlsRefused
from mailvault.transport import tls
from mailvault.transport.endpoint import Endpoint, Login, Timeouts, TlsMode
from mailvault.transport.imap import ImapClient
from tests.servers.dovecot import Dovecot
from tests.servers.process import HOST
from tests.servers.users import MailUser

pytestmark = pytest.mark.server

MECHANISMS = ("auto", "plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256")
PORTS = {TlsMode.NONE: "imap", TlsMode.STARTTLS: "imap", TlsMode.IMPLICIT: "imaps"}


def endpoint(dovecot: Dovecot, mode: TlsMode, host: str = HOST) -> Endpoint:
    timeouts = Timeouts(tls=5, greeting=2, command=10)
    return Endpoint(
        host, dovecot.ports[PORTS[mode]], mode, ca_file=dovecot.ca_file, timeouts=timeouts
    )


def refusal(where: Endpoint, who: Login) -> MailvaultError:
    with pytest.raises(MailvaultError) as caught:
        ImapClient.connect(where, who, None)
    return caught.value


def login(user: MailUser, mechanism: str = "auto") -> Login:
    return Login(user.name, lambda: user.password, mechanism)


@pytest.mark.parametrize("mode", TlsMode)
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_every_mechanism_logs_in_over_every_kind_of_connection(
    dovecot: Dovecot, mail_user: MailUser, mechanism: str, mode: TlsMode
) -> None:
    with ImapClient.connect(
        endpoint(dovecot, mode), login(mail_user, mechanism), None
    ) as client:
        assert client.examine(b"INBOX").exists == 0
        assert "QRESYNC" in client.enabled
        assert client.server_id["name"] == "Dovecot"


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_wrong_password_is_exit_11_by_every_mechanism(
    dovecot: Dovecot, mail_user: MailUser, mechanism: str
) -> None:
    wrong = Login(mail_user.name, lambda: "not the password", mechanism)

    error = refusal(endpoint(dovecot, TlsMode.IMPLICIT), wrong)

    assert isinstance(error, LoginRefused)
    assert error.exit_code == 11
    assert "not the password" not in str(error)


def test_localhost_is_as_good_as_its_address(dovecot: Dovecot, mail_user: MailUser) -> None:
    where = endpoint(dovecot, TlsMode.IMPLICIT, "localhost")

    with ImapClient.connect(where, login(mail_user), None) as client:
        assert client.list_mailboxes()


def test_an_unknown_authority_is_refused(dovecot: Dovecot, mail_user: MailUser) -> None:
    port = dovecot.ports["imaps"]

    error = refusal(Endpoint(HOST, port), login(mail_user))

    assert isinstance(error, TlsRefused)
    assert error.exit_code == 12


def test_a_pinned_certificate_is_enough(dovecot: Dovecot, mail_user: MailUser) -> None:
    pem = (dovecot.folder / "server.pem").read_text()
    pin = tls.fingerprint(ssl.PEM_cert_to_DER_cert(pem))
    where = Endpoint(HOST, dovecot.ports["imaps"], tls_fingerprint=pin)

    with ImapClient.connect(where, login(mail_user), None) as client:
        assert client.list_mailboxes()


@pytest.mark.parametrize(
    ("mode", "port", "kind", "hint"),
    [
        (TlsMode.IMPLICIT, "imap", TlsRefused, "starttls"),
        (TlsMode.STARTTLS, "imaps", ConnectionLost, "implicit"),
        (TlsMode.NONE, "imaps", ConnectionLost, "implicit"),
        (TlsMode.IMPLICIT, "pop3", TlsRefused, "port"),
        (TlsMode.STARTTLS, "pop3", MailvaultError, "993"),
    ],
)
def test_the_wrong_port_is_explained(
    dovecot: Dovecot,
    mail_user: MailUser,
    mode: TlsMode,
    port: str,
    kind: type[MailvaultError],
    hint: str,
) -> None:
    where = Endpoint(
        HOST,
        dovecot.ports[port],
        mode,
        ca_file=dovecot.ca_file,
        timeouts=Timeouts(greeting=1, tls=3),
    )

    error = refusal(where, login(mail_user))

    assert isinstance(error, kind)
    assert hint in (error.hint or "")
    assert error.exit_code in (10, 12)
