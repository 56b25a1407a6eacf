"""How the state of an account's login is shown."""

from collections.abc import Iterator

from mailvault.cli.output import JsonValue, json_time
from mailvault.cli.render import time_text
from mailvault.cli.terminal import printable
from mailvault.operations.login import LoginState

_NOT_REVOKED = "to take the access away, use the provider's page for it"


def login_json(
    account: str, state: LoginState, revoked: bool | None = None
) -> dict[str, JsonValue]:
    """``revoked``: after a logout, whether the provider took the access away."""
    return {
        **({} if revoked is None else {"revoked": revoked}),
        "schema": 1,
        "account": account,
        "needs_login": state.needs_login,
        "reason": state.reason,
        "expires": json_time(state.expires),
        "can_renew": state.can_renew,
        "scope": state.scope or None,
    }


def login_lines(account: str, state: LoginState, revoked: bool | None = None) -> Iterator[str]:
    if revoked is not None:
        done = "the provider took the access away" if revoked else _NOT_REVOKED
        yield printable(f"{account}: signed out here; {done}")
        return
    if state.needs_login:
        yield printable(f"{account}: needs a login: {state.reason}")
        return
    after = "renewed by itself" if state.can_renew else "then a login is needed again"
    until = f", token good until {time_text(state.expires)}, {after}" if state.expires else ""
    yield printable(f"{account}: signed in{until}")
