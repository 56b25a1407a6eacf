"""Alarms and OAuth2: mail with an account's own token, and the login that has ended."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import available
from tests.server.token_vault import TokenVault
from tests.servers.dovecot import Dovecot
from tests.servers.oauth_provider import SCOPES, OAuthProvider
from tests.servers.submission import SubmissionDovecot
from tests.servers.users import new_user
from tests.servers.webhook import Listener

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def submission(oauth_provider: OAuthProvider) -> Iterator[SubmissionDovecot]:
    """Takes mail from who has a token of the provider."""
    url = oauth_provider.introspection_url
    with available(server := SubmissionDovecot(introspection_url=url)):
        yield server


@pytest.fixture
def sender(
    tmp_path: Path, submission: SubmissionDovecot, oauth_provider: OAuthProvider
) -> TokenVault:
    """An account that sends its own alarms."""
    submission.postbox.messages.clear()
    vault = TokenVault(tmp_path, new_user(submission), oauth_provider)
    notify(
        vault,
        'email_to = ["me@example.com"]\nemail_from = "mailvault@example.com"\n'
        'smtp_host = "localhost"\nsmtp_tls = "starttls"\n'
        f"smtp_port = {submission.ports['submission']}\n"
        f'smtp_ca_file = "{submission.ca_file}"\nsmtp_oauth_account = "work"',
    )
    return vault


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture
def signed_in(
    tmp_path: Path, oauth_dovecot: Dovecot, oauth_provider: OAuthProvider, listener: Listener
) -> TokenVault:
    """An account whose alarms are posted."""
    vault = TokenVault(tmp_path, new_user(oauth_dovecot), oauth_provider)
    notify(vault, f'webhook_url = "{listener.url}"')
    return vault


def notify(vault: TokenVault, lines: str) -> None:
    with vault.configuration.open("a") as file:
        file.write(f"\n[notify]\n{lines}\n")
    vault.configuration.chmod(0o600)


@pytest.mark.parametrize("is_stale", [False, True], ids=["fresh", "stale"])
def test_mail_goes_out_with_the_token_of_an_account(
    sender: TokenVault, submission: SubmissionDovecot, is_stale: bool
) -> None:
    sender.keep(sender.provider.tokens(sender.user.name), is_stale=is_stale)

    sender.run("notify", "test")

    (mail,) = submission.postbox.messages
    assert mail["To"] == "me@example.com"


@pytest.mark.parametrize("kind", ["bad", "of another user", "without the scope"])
def test_a_refused_token_sends_nothing_and_is_not_shown(
    sender: TokenVault, submission: SubmissionDovecot, kind: str
) -> None:
    provider = sender.provider
    match kind:
        case "bad":
            token: object = "no-token-of-this-provider"
        case "of another user":
            token = provider.tokens("somebody-else")["access_token"]
        case _:
            scopes = SCOPES.replace(" imap", "")
            token = provider.tokens(sender.user.name, scopes=scopes)["access_token"]
    sender.keep({"access_token": token})

    tested = sender.run("-vv", "notify", "test", code=10)

    assert f"refuses the login of {sender.user.name}" in tested.stderr
    assert "mailvault login" in tested.stderr
    assert "the token was refused" in tested.stderr  # the server said why, and was answered
    assert str(token) not in tested.stderr
    assert not submission.postbox.messages


def test_who_never_signed_in_sends_nothing_and_is_told_how(
    sender: TokenVault, submission: SubmissionDovecot
) -> None:
    tested = sender.run("notify", "test", code=10)

    assert "mailvault login work" in tested.stderr
    assert not submission.postbox.messages


def test_a_revoked_login_is_one_alarm_until_somebody_signs_in(
    signed_in: TokenVault, listener: Listener
) -> None:
    tokens = signed_in.provider.tokens(signed_in.user.name)
    signed_in.keep(tokens, is_stale=True)
    signed_in.provider.revoke(str(tokens["refresh_token"]))
    signed_in.run("sync", code=11)
    signed_in.run("sync", code=11)
    (posted,) = listener.posted()
    assert (posted["event"], posted["kind"], posted["account"]) == (
        "needs-login",
        "needs-login",
        "work",
    )
    assert "mailvault login work" in posted["hint"]
    assert str(tokens["refresh_token"]) not in str(posted)

    signed_in.sign_in()
    signed_in.sync()
    signed_in.sync()

    assert [each["event"] for each in listener.posted()] == ["needs-login", "recovery"]
