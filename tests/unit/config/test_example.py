"""`config.example.toml` is the reference of the configuration, so it must be true."""

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from mailvault.config.load import load, parse
from mailvault.config.model import (
    AccountSettings,
    MetricsSettings,
    NotifySettings,
    OAuthSettings,
    ScheduleSettings,
    SmtpSettings,
    StatusSettings,
)
from mailvault.errors import ConfigurationError

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"
OPTIONAL = re.compile(r"^# (?P<setting>(?P<key>[a-z_0-9]+) = .*)$")
WITHOUT_DEFAULT = ("ca_file", "tls_fingerprint", "schedule", "max_rate", "daily_limit")
ELSEWHERE = ("password_command", "password_file", "password_env", "keyring", "password")

OTHERWISE_NAMED = {"ping", "webhook", "apprise", "commands", "smtp"}

# Keys that belong to the other protocol, or to the other side of a contradiction, need these.
SURROUNDINGS = {
    "delete_after_days": "leave_on_server = true",
    "email_to": 'email_from = "a@example.com"\nsmtp_host = "smtp.example.com"',
    "digest": 'command = "mail me"',
    "digest_at": 'command = "mail me"\ndigest = "weekly"',
    "copy": 'copy_to = "elsewhere"',
    "tls": "",
}


# What stands beside a key of an account's table oauth.
GENERIC = """\
client_id = "mailvault"
token_endpoint = "https://login.example.com/token"
device_endpoint = "https://login.example.com/device"
authorization_endpoint = "https://login.example.com/authorize"
"""
BESIDE_OAUTH = {
    "tenant": 'provider = "microsoft"\nclient_id = "mailvault"\n',
    "token_command": "",
}


def uncommented() -> list[tuple[str, str, str]]:
    """Give (table, key, setting) for each optional key of the example."""
    found, table = [], ""
    for line in EXAMPLE.read_text().splitlines():
        if line.startswith("["):
            table = line.split("]")[0] + "]"
        elif match := OPTIONAL.match(line):
            found.append((table, match["key"], match["setting"]))
    return found


def minimal(table: str, key: str, setting: str) -> str:
    """Write a configuration in which ``setting`` stands with as little else as possible."""
    lines = ["[archive]", 'path = "archive"']
    if table.endswith(".oauth]"):
        account = table.removesuffix(".oauth]") + "]"
        beside = BESIDE_OAUTH.get(key, GENERIC).splitlines()
        kept = [line for line in beside if not line.startswith(f"{key} ")]
        return "\n".join([minimal(account, "", ""), table, *kept, setting]) + "\n"
    if table.startswith("[accounts"):
        protocol = "pop3" if table == "[accounts.old]" else "imap"
        lines += [table, f'protocol = "{protocol}"', 'host = "localhost"', 'user = "me"']
    elif table != "[archive]":
        lines.append(table)
    return "\n".join([*lines, SURROUNDINGS.get(key, ""), setting]) + "\n"


def test_the_example_loads_as_it_stands() -> None:
    configuration = load(EXAMPLE)

    assert sorted(configuration.accounts) == ["cloud", "old", "work"]


@pytest.mark.parametrize(
    ("table", "key", "setting"), uncommented(), ids=[f"{t}{k}" for t, k, _ in uncommented()]
)
def test_each_optional_key_of_the_example_loads_when_uncommented(
    table: str, key: str, setting: str
) -> None:
    text = minimal(table, key, setting)
    if key.endswith("password") or key in ("client_secret", "apprise_urls"):
        with pytest.raises(ConfigurationError, match="others can read"):
            parse(text.encode(), EXAMPLE, is_private=False)

    parse(text.encode(), EXAMPLE, is_private=True)


@pytest.mark.parametrize("table", ["[accounts.work]", "[accounts.old]"])
def test_the_defaults_the_example_shows_are_the_defaults(table: str) -> None:
    name = table.strip("[]").split(".")[1]
    bare = minimal(table, "", "").encode()
    default = parse(bare, EXAMPLE, is_private=True).accounts[name]
    settings = [
        setting
        for where, key, setting in uncommented()
        if where == table
        and key not in (*ELSEWHERE, *WITHOUT_DEFAULT)
        and key != "delete_after_days"
    ]

    shown = parse(bare + "\n".join(settings).encode(), EXAMPLE, is_private=True).accounts[name]

    assert shown == default


def test_every_key_that_is_known_stands_in_the_example() -> None:
    shown = {key for _, key, _ in uncommented()}
    for table in tomllib.loads(EXAMPLE.read_text()).values():
        shown |= set(table) | {key for value in table.values() for key in keys_of(value)}

    known = {field.name for field in dataclasses.fields(AccountSettings)} - {"name", "secret"}
    known |= {field.name for field in dataclasses.fields(ScheduleSettings)} | set(ELSEWHERE)
    known |= {field.name for field in dataclasses.fields(MetricsSettings)}
    known |= {field.name for field in dataclasses.fields(StatusSettings)}
    known |= {field.name for field in dataclasses.fields(OAuthSettings)} - {"token_file"}
    known |= {field.name for field in dataclasses.fields(NotifySettings)} - OTHERWISE_NAMED
    smtp = {f"smtp_{field.name}" for field in dataclasses.fields(SmtpSettings)}
    known |= smtp - {"smtp_secret"}

    assert known - shown == set()


def test_no_key_stands_twice_in_a_table_of_the_example() -> None:
    optional = [(table, key) for table, key, _ in uncommented()]

    assert len(optional) == len(set(optional))


def keys_of(value: object) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [*value, *(key for inner in value.values() for key in keys_of(inner))]
