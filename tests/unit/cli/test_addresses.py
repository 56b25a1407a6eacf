"""`init --address` knows the large providers, and asks for the others."""

from pathlib import Path

import pytest

from mailvault.cli.addresses import described
from mailvault.cli.setup import AccountOptions
from mailvault.config.load import load
from mailvault.errors import UsageError
from mailvault.transport.autoconfig import Discovered
from tests.unit.cli.program import run_program

NOTHING = AccountOptions(
    name=None, protocol=None, host=None, user=None, tls=None, port=None, ca_file=None,
    tls_fingerprint=None, insecure=False, password_command=None, password_file=None,
    password_env=None, keyring=False,
)  # fmt: skip


def nobody(address: str) -> Discovered | None:
    raise AssertionError(f"{address} is known by heart")


@pytest.mark.parametrize(
    ("address", "host", "port", "tls", "user"),
    [
        ("me@gmail.com", "imap.gmail.com", 993, "implicit", "me@gmail.com"),
        ("me@Outlook.com", "outlook.office365.com", 993, "implicit", "me@Outlook.com"),
        ("me@yahoo.de", "export.imap.mail.yahoo.com", 993, "implicit", "me@yahoo.de"),
        ("me@icloud.com", "imap.mail.me.com", 993, "implicit", "me"),
        ("me@fastmail.com", "imap.fastmail.com", 993, "implicit", "me@fastmail.com"),
        ("me@gmx.de", "imap.gmx.net", 993, "implicit", "me@gmx.de"),
        ("me@gmx.com", "imap.gmx.com", 993, "implicit", "me@gmx.com"),
        ("me@proton.me", "127.0.0.1", 1143, "starttls", "me@proton.me"),
    ],
    ids=lambda value: str(value),
)
def test_large_providers_are_known_by_heart(
    address: str, host: str, port: int, tls: str, user: str
) -> None:
    account, demands = described(NOTHING, address, nobody)

    assert (account.host, account.port, account.tls, account.user) == (host, port, tls, user)
    assert demands


def test_another_domain_is_asked_and_its_answer_shown() -> None:
    found = Discovered("mx.example.net", 143, "starttls", "jane")

    account, demands = described(NOTHING, "jane@example.org", lambda _: found)

    assert (account.name, account.host, account.user) == (
        *("example-org", "mx.example.net", "jane"),
    )
    assert "mx.example.net" in demands[0]


def test_a_domain_that_says_nothing_needs_the_host() -> None:
    with pytest.raises(UsageError) as caught:
        described(NOTHING, "jane@example.org", lambda _: None)

    assert "--host" in str(caught.value.hint)


@pytest.mark.parametrize("address", ["me", "@gmail.com", "me@localhost", "m e@gmail.com"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError):
        described(NOTHING, address, nobody)


def test_init_writes_what_the_preset_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)

    outcome = run_program("init", "--path", "mail", "--address", "me@gmail.com", "--keyring")

    account = load(tmp_path / ".config/mailvault/config.toml").accounts["gmail"]
    assert outcome.code == 0, outcome.stderr
    assert (account.host, account.user) == ("imap.gmail.com", "me@gmail.com")
    assert "app password" in outcome.stdout
