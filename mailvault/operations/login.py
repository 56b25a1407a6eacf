"""Sign in by OAuth2: a person allows the access with a browser, here or elsewhere."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mailvault.errors import LoginRefused, SourceError, UsageError
from mailvault.ports import Clock
from mailvault.transport.oauth_client import OAuthClient, Pending
from mailvault.transport.oauth_loopback import Loopback, code_in
from mailvault.transport.oauth_tokens import TokenFile, Tokens

SLOWER_SECONDS = 5.0  # RFC 8628 3.5
LEAST_INTERVAL = 1.0


class LoginDialogue(Protocol):
    """What a person is told and asked meanwhile."""

    def show_device(self, page: str, user_code: str) -> None: ...

    def show_page(self, page: str) -> None: ...

    def ask_address(self, page: str) -> str: ...


@dataclass(frozen=True, slots=True)
class LoginState:
    """What is known of an account's login without asking anybody."""

    needs_login: bool
    reason: str | None = None
    expires: datetime | None = None
    can_renew: bool = False
    scope: str = ""


def login_state(file: TokenFile, now: datetime) -> LoginState:
    """Whether the account can go on without a person."""
    tokens = file.read()
    if tokens is None:
        return LoginState(True, file.refusal() or "nobody has signed in yet")
    reason = file.refusal()
    can_renew = tokens.refresh is not None
    if reason is None and not can_renew and now >= tokens.expires:
        reason = "the login has expired"
    return LoginState(reason is not None, reason, tokens.expires, can_renew, tokens.scope)


def sign_in_by_device(
    client: OAuthClient, file: TokenFile, clock: Clock, dialogue: LoginDialogue
) -> None:
    """Have a person type a code at the provider's page, on any machine."""
    device = client.device_code()
    dialogue.show_device(device.page, device.user_code)
    end = clock.monotonic() + device.lasts
    interval = max(device.interval, LEAST_INTERVAL)
    while clock.monotonic() < end:
        clock.sleep(interval)
        try:
            _keep(file, client.by_device_code(device))
        except Pending as pending:
            interval += SLOWER_SECONDS if pending.slower else 0.0
        else:
            return
    raise LoginRefused("nobody typed the code in time", hint="try again")


def sign_in_by_browser(client: OAuthClient, file: TokenFile, dialogue: LoginDialogue) -> None:
    """Have a browser on this machine come back with the code."""
    with Loopback(client.provider.redirect_uri) as loopback:

        def answer(page: str) -> str:
            dialogue.show_page(page)
            return loopback.answer()

        _sign_in_by_code(client, file, loopback.redirect_uri, answer)


def sign_in_by_paste(client: OAuthClient, file: TokenFile, dialogue: LoginDialogue) -> None:
    """Have a person bring back the address at which a browser anywhere ended up."""
    with Loopback(client.provider.redirect_uri) as loopback:
        redirect_uri = loopback.redirect_uri  # nobody listens there once the browser comes
    _sign_in_by_code(client, file, redirect_uri, dialogue.ask_address)


def _sign_in_by_code(
    client: OAuthClient, file: TokenFile, redirect_uri: str, answer: Callable[[str], str]
) -> None:
    if client.provider.authorization_endpoint is None:
        raise UsageError(
            "the provider has no authorization_endpoint, so no browser can sign in",
            hint="leave out --paste, or configure authorization_endpoint",
        )
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    page = client.authorization_page(redirect_uri, verifier, state)
    code = code_in(answer(page), state)
    _keep(file, client.by_code(code, redirect_uri, verifier))


def sign_out(client: OAuthClient, file: TokenFile) -> bool:
    """Take the access away at the provider where that can be done, and forget the tokens.

    Give whether the provider took it away. What goes wrong there is raised after the tokens
    are forgotten here.
    """
    with file.locked():
        try:
            tokens = file.read()
            return tokens is not None and client.revoke(tokens)
        except (SourceError, UsageError) as error:
            error.hint = "the tokens are forgotten here; take the access away on its page"
            raise
        finally:
            file.remove()


def _keep(file: TokenFile, tokens: Tokens) -> None:
    with file.locked():
        file.write(tokens)
