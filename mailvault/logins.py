"""How accounts log in: where a password is read, and who gives and renews tokens.

Everything heavy is imported inside the functions, as in `wiring`.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from mailvault.clock import SystemClock
from mailvault.config.model import AccountSettings, Configuration, OAuthSettings
from mailvault.config.secrets import AccountSecret, TokenCommand, read_client_secret
from mailvault.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from mailvault.operations.credentials import Credential
    from mailvault.operations.login import LoginDialogue, LoginState
    from mailvault.transport.endpoint import Login
    from mailvault.transport.oauth_client import OAuthClient
    from mailvault.transport.oauth_provider import Provider
    from mailvault.transport.oauth_tokens import TokenFile


def login(account: AccountSettings) -> "Login":
    """Who logs in. The secret is asked for when a connection needs it."""
    from mailvault.transport.endpoint import Login

    return Login(user=account.user, secret=_secret(account), mechanism=account.auth)


def _secret(account: AccountSettings) -> Callable[[], str]:
    if account.oauth is None:
        return AccountSecret(account.name, account.secret, os.environ)
    if account.oauth.token_command is not None:
        return TokenCommand(account.name, account.oauth.token_command)
    if not account.oauth.client_id:
        return partial(_without_client, account.name)
    from mailvault.transport.oauth import AccessToken

    return AccessToken(
        account.name, token_file(account), partial(oauth_client, account), SystemClock()
    )


def _without_client(account: str) -> NoReturn:
    raise ConfigurationError(
        f"accounts.{account}.oauth.client_id is empty",
        hint="register a client at the provider, as docs/oauth.md says",
    )


def credential(account: AccountSettings, login: "Login") -> "Credential | None":
    """By what a changed secret is noticed; None where each login has another one."""
    from mailvault.config.secret_marks import SecretMark

    if account.oauth is None:
        return SecretMark(login.secret)
    if account.oauth.token_command is not None or not account.oauth.client_id:
        return None
    file = token_file(account)

    def kept() -> str:
        tokens = file.read()
        return "" if tokens is None else tokens.refresh or tokens.access

    return SecretMark(kept)


def oauth_provider(account: AccountSettings) -> "Provider":
    """Where the account's tokens come from."""
    from mailvault.transport import oauth_provider as providers

    settings = _oauth(account)
    match settings.provider:
        case "google":
            provider = providers.google(settings.scopes)
        case "microsoft":
            tenant = settings.tenant or providers.tenant_of(account.user)
            provider = providers.microsoft(account.protocol, tenant, settings.scopes)
        case _:
            provider = providers.generic(
                settings.token_endpoint or "",
                settings.authorization_endpoint,
                settings.device_endpoint,
                settings.scopes,
                settings.revocation_endpoint,
            )
    return replace(provider, redirect_uri=settings.redirect_uri or provider.redirect_uri)


def oauth_client(account: AccountSettings) -> "OAuthClient":
    from mailvault.transport.oauth_client import OAuthClient

    settings = _oauth(account)
    return OAuthClient(
        oauth_provider(account),
        settings.client_id,
        partial(read_client_secret, account.name, settings.client_secret, os.environ),
        SystemClock(),
        settings.ca_file,
    )


def token_file(account: AccountSettings) -> "TokenFile":
    from mailvault.transport.oauth_tokens import Grant, TokenFile

    settings = _oauth(account)
    grant = Grant(account.user, settings.client_id, oauth_provider(account).token_endpoint)
    return TokenFile(settings.token_file, grant)


def _oauth(account: AccountSettings) -> OAuthSettings:
    where = f"accounts.{account.name}"
    if account.oauth is None:
        raise UsageError(
            f"{where} logs in with a password, so there is nothing to sign in to",
            hint=f"to use OAuth2, add a table [{where}.oauth]; see docs/oauth.md",
        )
    if account.oauth.token_command is not None:
        raise UsageError(
            f"{where}.oauth.token_command gets the tokens of this account",
            hint="sign in with the program that it runs",
        )
    if not account.oauth.client_id:
        _without_client(account.name)
    return account.oauth


def sign_in(account: AccountSettings, *, paste: bool, dialogue: "LoginDialogue") -> None:
    """Let a person sign in: by device code where there is one, else with a browser."""
    from mailvault.operations import login as operation

    client, file = oauth_client(account), token_file(account)
    if paste:
        operation.sign_in_by_paste(client, file, dialogue)
    elif client.provider.device_endpoint is not None:
        operation.sign_in_by_device(client, file, SystemClock(), dialogue)
    else:
        operation.sign_in_by_browser(client, file, dialogue)


def sign_out(account: AccountSettings) -> bool:
    """Forget the tokens; give whether the provider took the access away."""
    from mailvault.operations.login import sign_out as operation

    return operation(oauth_client(account), token_file(account))


def login_state(account: AccountSettings) -> "LoginState":
    """Whether a person has to sign in; what logs in by password never needs one."""
    from mailvault.operations.login import LoginState
    from mailvault.operations.login import login_state as operation

    if account.oauth is None or account.oauth.token_command is not None:
        return LoginState(needs_login=False)
    if not account.oauth.client_id:
        return LoginState(needs_login=True, reason="its oauth.client_id is empty")
    return operation(token_file(account), SystemClock().now())


def logins_needed(configuration: Configuration) -> dict[str, str]:
    """The accounts that wait for a person to sign in, and why."""
    states = {
        name: login_state(account)
        for name, account in configuration.accounts.items()
        if account.oauth is not None
    }
    return {name: state.reason or "" for name, state in states.items() if state.needs_login}
