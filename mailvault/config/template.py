"""Writes the first configuration file: what was answered, and comments for the rest."""

import json
from dataclasses import dataclass

_ARCHIVE = """\
# The configuration of mailvault. Every key, with its meaning, stands in config.example.toml.

[archive]
path = {path}
store = {store}
"""

_NO_ACCOUNT = """
# [accounts.work]
# protocol = "imap"
# host = "imap.example.com"
# user = "me@example.com"
# password_command = "pass show mail/work"
"""

_KEYS_OF_SECRETS = """\
# Where the password comes from, one of:
# password_command = "pass show mail/work"
# password_file = "work.secret"
# password_env = "WORK_PASSWORD"
# keyring = true
"""


_NO_CLIENT = """\
# Which program asks: register one, as docs/oauth.md says, and write down what it is called.
"""

_FOR_GOOGLE = """\
# The secret of the client:
# client_secret_file = "client.secret"
"""


@dataclass(frozen=True, slots=True)
class OAuthAnswers:
    """Who gives the tokens of an account, and to which client; "" is not known yet."""

    provider: str
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class AccountAnswers:
    """An account as somebody described it; ``extra`` holds the optional keys given."""

    name: str
    protocol: str
    host: str
    user: str
    extra: dict[str, str | int | bool]
    oauth: OAuthAnswers | None = None


def compose(path: str, store: str, account: AccountAnswers | None) -> str:
    """Write the TOML text of a new configuration."""
    text = _ARCHIVE.format(path=_value(path), store=_value(store))
    if account is None:
        return text + _NO_ACCOUNT
    keys: dict[str, str | int | bool] = {
        "protocol": account.protocol,
        "host": account.host,
        "user": account.user,
        **account.extra,
    }
    lines = [f"{key} = {_value(value)}\n" for key, value in keys.items()]
    table = f"accounts.{_value(account.name)}"
    has_password = any(key.startswith(("password", "keyring")) for key in keys)
    if account.oauth is not None:
        lines.append(_oauth(table, account.oauth))
    elif not has_password:
        lines.append(_KEYS_OF_SECRETS)
    return "".join([text, f"\n[{table}]\n", *lines])


def _oauth(table: str, answers: OAuthAnswers) -> str:
    return "".join(
        [
            f"\n[{table}.oauth]\nprovider = {_value(answers.provider)}\n",
            "" if answers.client_id else _NO_CLIENT,
            f"client_id = {_value(answers.client_id)}\n",
            _FOR_GOOGLE if answers.provider == "google" else "",
        ]
    )


def _value(value: str | int | bool) -> str:
    # TOML's basic strings, numbers and booleans are JSON's, but for escapes beyond the
    # Basic Multilingual Plane, which ensure_ascii=False avoids.
    return json.dumps(value, ensure_ascii=False)
