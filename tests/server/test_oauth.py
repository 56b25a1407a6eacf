"""OAuth2 from the first login to the refused token: a real provider, a real mail server."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.ordinary import generate
from tests.server.accounts import append_all
from tests.server.token_vault import TokenVault, ended, said_until
from tests.server.vault import totals
from tests.servers.dovecot import Dovecot
from tests.servers.fault_proxy import FaultProxy
from tests.servers.oauth_provider import SCOPES, Browser, OAuthProvider
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server

MESSAGES = 5


@pytest.fixture
def person(oauth_dovecot: Dovecot) -> MailUser:
    """Somebody with five messages, who could also log in with a password."""
    user = new_user(oauth_dovecot)
    with user.session() as session:
        append_all(session, "INBOX", generate(3, MESSAGES))
    return user


@pytest.fixture
def vault(tmp_path: Path, person: MailUser, oauth_provider: OAuthProvider) -> TokenVault:
    return TokenVault(tmp_path, person, oauth_provider)


@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_a_token_of_the_provider_syncs_the_account(
    vault: TokenVault, auth: str, protocol: str
) -> None:
    vault.sign_in_with(auth, protocol=protocol)
    vault.keep(vault.provider.tokens(vault.user.name))

    assert totals(vault.sync(), "arrived") == MESSAGES


def test_a_code_typed_elsewhere_signs_in(vault: TokenVault) -> None:
    vault.sign_in()

    assert vault.token_file.stat().st_mode & 0o777 == 0o600
    assert vault.token_file.parent.stat().st_mode & 0o777 == 0o700
    assert vault.login_needed() is None
    assert totals(vault.sync(), "arrived") == MESSAGES


def test_a_browser_that_comes_back_signs_in(vault: TokenVault) -> None:
    without_device_flow = vault.configuration.read_text().splitlines()
    vault.configuration.write_text(
        "\n".join(line for line in without_device_flow if "device_endpoint" not in line)
    )
    process = vault.start("login", "work")
    page = said_until(process, "http")

    Browser(vault.user.name).visit(page, follow_home=True)
    exit_code, _ = ended(process)

    assert exit_code == 0
    assert totals(vault.sync(), "arrived") == MESSAGES


def test_an_address_that_is_pasted_signs_in(vault: TokenVault) -> None:
    vault.sign_in_with(client="confidential", more='client_secret_env = "CLIENT_SECRET"\n')
    process = subprocess.Popen(
        vault.command("login", "work", "--paste"),
        env=vault.environment() | {"CLIENT_SECRET": "kanarienvogel-client-secret"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    page = said_until(process, "http")

    address = Browser(vault.user.name).visit(page, follow_home=False)
    with process:
        output, _ = process.communicate(address.encode() + b"\n", timeout=60)

    assert process.returncode == 0
    assert output.startswith(b"work: signed in")
    assert totals(vault.sync(), "arrived") == MESSAGES


def test_an_answer_for_another_login_is_refused(vault: TokenVault) -> None:
    process = subprocess.Popen(
        vault.command("login", "work", "--paste"),
        env=vault.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )

    with process:
        _, errors = process.communicate(
            b"http://127.0.0.1/callback?code=stolen&state=guessed\n", timeout=60
        )

    assert process.returncode == 11
    assert b"stolen" not in errors
    assert not vault.token_file.exists()


def test_a_stale_token_is_renewed_and_the_new_refresh_token_kept(vault: TokenVault) -> None:
    tokens = vault.provider.tokens(vault.user.name)
    vault.keep(tokens, is_stale=True)
    before = vault.provider.grants("refresh_token")

    report = vault.sync()

    assert totals(report, "arrived") == MESSAGES
    assert vault.provider.grants("refresh_token") == before + 1
    assert vault.kept()["refresh_token"] != tokens["refresh_token"]
    assert vault.kept()["access_token"] != tokens["access_token"]


def test_processes_that_renew_at_once_use_one_refresh(vault: TokenVault) -> None:
    vault.keep(vault.provider.tokens(vault.user.name), is_stale=True)
    before = vault.provider.grants("refresh_token")

    checks = [vault.start("check", "work") for _ in range(4)]
    outcomes = [ended(check) for check in checks]

    assert [code for code, _ in outcomes] == [0] * 4, outcomes
    assert vault.provider.grants("refresh_token") == before + 1
    assert vault.login_needed() is None


def test_a_refresh_token_used_twice_needs_a_login_and_is_not_tried_again(
    vault: TokenVault,
) -> None:
    tokens = vault.provider.tokens(vault.user.name)
    vault.keep(tokens, is_stale=True)
    vault.run("check", "work")
    vault.keep(tokens, is_stale=True)  # as from a backup

    first = vault.run("sync", "work", code=11).stderr
    grants = vault.provider.grants("refresh_token")
    second = vault.run("sync", "work", code=11).stderr

    assert "the account work needs a login" in first
    assert "the account work needs a login" in second
    assert "mailvault login work" in second
    assert vault.provider.grants("refresh_token") == grants
    reason = vault.login_needed()
    assert reason is not None
    assert "invalid_grant" in reason


def test_a_new_login_ends_the_need_for_one(vault: TokenVault) -> None:
    vault.keep({"access_token": "bad", "refresh_token": "bad"}, is_stale=True)
    vault.run("check", "work", code=11)

    vault.sign_in()

    assert vault.login_needed() is None
    vault.run("check", "work")


def test_a_new_login_ends_the_pause_after_a_refused_token(vault: TokenVault) -> None:
    vault.keep({"access_token": "no-token-of-this-provider"})
    vault.run("sync", code=11)
    assert "not asked again before" in vault.run("sync", code=11).stderr

    vault.sign_in()

    (account,) = vault.run("status", "--json").document()["accounts"]
    assert account["suspended_until"] is None
    assert totals(vault.sync(), "arrived") == MESSAGES


def test_nobody_who_never_signed_in_asks_the_server(vault: TokenVault) -> None:
    assert vault.login_needed() == "nobody has signed in yet"

    outcome = vault.run("sync", "work", code=11)

    assert "nobody has signed in yet" in outcome.stderr


LONG = "x" * 400


@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])
@pytest.mark.parametrize(
    ("protocol", "kind"),
    [
        *(
            ("imap", each)
            for each in ("bad", "expired", "of another user", "without the scope")
        ),
        *(("pop3", each) for each in ("bad", "bad and long", "without the scope")),
    ],
)
def test_a_refused_token_ends_with_11_and_is_not_shown(
    vault: TokenVault, kind: str, auth: str, protocol: str
) -> None:
    provider, name = vault.provider, vault.user.name
    vault.sign_in_with(auth, protocol=protocol)
    match kind:
        case "bad":
            tokens: dict[str, Any] = {"access_token": "no-token-of-this-provider"}
        case "bad and long":  # over POP3 it goes in two steps
            tokens = {"access_token": f"no-token-of-this-provider-{LONG}"}
        case "expired":
            tokens = provider.tokens(name, "hasty")
            provider.wait_until_expired(tokens["access_token"])
        case "of another user":
            tokens = provider.tokens("somebody-else")
        case _:
            tokens = provider.tokens(name, scopes=SCOPES.replace(" imap", ""))
    vault.keep({"access_token": tokens["access_token"]})

    outcome = vault.run("-vv", "sync", "work", code=11)

    assert "refused the login" in outcome.stderr
    assert "the token was refused" in outcome.stderr  # the server said why, and was answered
    assert tokens["access_token"] not in outcome.stderr
    assert vault.placements() == []


@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])
@pytest.mark.parametrize("kind", ["in one step", "in two steps"])
def test_a_token_goes_over_pop3_as_the_length_of_a_line_allows(
    oauth_dovecot: Dovecot, oauth_provider: OAuthProvider, tmp_path: Path, kind: str, auth: str
) -> None:
    # What is sent grows with the name, and a line may have 255 octets.
    number = len(oauth_dovecot.users)
    user = MailUser(oauth_dovecot, f"me{number}" + "x" * (0 if "one" in kind else 150), "pw")
    oauth_dovecot.add_user(user.name, user.password)
    with FaultProxy(oauth_dovecot.ports["pop3"]) as proxy:
        vault = TokenVault(tmp_path, user, oauth_provider)
        vault.sign_in_with(auth, protocol="pop3")
        text = vault.configuration.read_text()
        port = f"port = {oauth_dovecot.ports['pop3']}"
        vault.configuration.write_text(text.replace(port, f"port = {proxy.port}"))
        vault.keep(oauth_provider.tokens(user.name))

        vault.sync()

    command = b"AUTH %s" % auth.upper().encode()
    lines = bytes(proxy.traffic.sent).split(b"\r\n")
    assert (command in lines) == (kind == "in two steps")
    assert any(line.startswith(command) for line in lines)


def test_logging_out_forgets_the_tokens(vault: TokenVault) -> None:
    vault.keep(vault.provider.tokens(vault.user.name))

    vault.run("login", "work", "--logout")

    assert not vault.token_file.exists()
    assert vault.login_needed() == "nobody has signed in yet"
    vault.run("sync", "work", code=11)


def test_logging_out_takes_the_access_away_where_the_provider_lets_us(
    vault: TokenVault,
) -> None:
    tokens = vault.provider.tokens(vault.user.name)
    vault.keep(tokens)

    report = vault.run("login", "work", "--logout", "--json").document()

    assert report["revoked"] is True
    assert not vault.provider.is_active(tokens["access_token"])
    assert not vault.provider.is_active(tokens["refresh_token"])


def test_logging_out_says_where_the_access_is_not_taken_away(vault: TokenVault) -> None:
    lines = vault.configuration.read_text().splitlines()
    vault.configuration.write_text(
        "\n".join(line for line in lines if "revocation_endpoint" not in line)
    )
    tokens = vault.provider.tokens(vault.user.name)
    vault.keep(tokens)

    said = vault.run("login", "work", "--logout").stdout.decode()

    assert "use the provider's page" in said
    assert vault.provider.is_active(tokens["access_token"])
    assert not vault.token_file.exists()


def test_logging_out_forgets_the_tokens_where_the_provider_cannot_be_asked(
    vault: TokenVault,
) -> None:
    text = vault.configuration.read_text()
    vault.configuration.write_text(text.replace("/token/revocation", "/nowhere"))
    tokens = vault.provider.tokens(vault.user.name)
    vault.keep(tokens)

    outcome = vault.run("login", "work", "--logout", code=11)

    assert "the tokens are forgotten here" in outcome.stderr
    assert str(tokens["refresh_token"]) not in outcome.stderr
    assert not vault.token_file.exists()


def test_a_token_command_gives_the_token(vault: TokenVault) -> None:
    token = vault.provider.tokens(vault.user.name)["access_token"]
    (vault.folder / "token").write_text(f"{token}\n")
    text = vault.configuration.read_text()
    head = text[: text.index("[accounts.work.oauth]")]
    vault.configuration.write_text(
        f'{head}[accounts.work.oauth]\ntoken_command = "cat {vault.folder}/token"\n'
    )

    assert totals(vault.sync(), "arrived") == MESSAGES
