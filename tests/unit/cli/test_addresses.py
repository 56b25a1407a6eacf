"""`init --address` knows the large providers, and asks for the others."""

from dataclasses import replace
from pathlib import Path

import pytest

from mailvault.cli.addresses import described
from mailvault.cli.setup import AccountOptions
from mailvault.config.load import load
from mailvault.config.model import AccountSettings
from mailvault.errors import UsageError
from mailvault.transport.autoconfig import Discovered
from tests.unit.cli.program import run_program

NOTHING = AccountOptions(
    name=None, protocol=None, host=None, user=None, tls=None, port=None, ca_file=None,
    tls_fingerprint=None, insecure=False, password_command=None, password_file=None,
    password_env=None, keyring=False,
)  # fmt: skip


def nobody(address: str, protocol: str) -> Discovered | None:
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


@pytest.mark.parametrize(
    ("address", "host"),
    [("me@gmail.com", "pop.gmail.com"), ("me@gmx.de", "pop.gmx.net")],
)
def test_large_providers_are_known_for_pop3_too(address: str, host: str) -> None:
    account, _ = described(replace(NOTHING, protocol="pop3"), address, nobody)

    assert (account.host, account.port, account.tls) == (host, 995, "implicit")


def test_another_domain_is_asked_and_its_answer_shown() -> None:
    found = Discovered("mx.example.net", 143, "starttls", "jane")

    account, demands = described(NOTHING, "jane@example.org", lambda *_: found)

    assert (account.name, account.host, account.user) == (
        *("example-org", "mx.example.net", "jane"),
    )
    assert "mx.example.net" in demands[0]


def test_a_domain_that_says_nothing_needs_the_host() -> None:
    with pytest.raises(UsageError) as caught:
        described(NOTHING, "jane@example.org", lambda *_: None)

    assert "--host" in str(caught.value.hint)


@pytest.mark.parametrize("address", ["me", "@gmail.com", "me@localhost", "m e@gmail.com"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError):
        described(NOTHING, address, nobody)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("MAILVAULT_CONFIG", raising=False)
    return tmp_path


def written(home: Path, name: str) -> AccountSettings:
    return load(home / ".config/mailvault/config.toml").accounts[name]


def test_init_writes_what_the_preset_says(home: Path) -> None:
    outcome = run_program("init", "--path", "mail", "--address", "me@gmail.com", "--keyring")

    account = written(home, "gmail")
    assert outcome.code == 0, outcome.stderr
    assert (account.host, account.user) == ("imap.gmail.com", "me@gmail.com")
    assert "app password" in outcome.stdout


def test_init_writes_a_table_oauth_that_is_ready_for_use(home: Path) -> None:
    outcome = run_program(
        "init", "--path", "mail", "--address", "me@outlook.com", "--client-id", "0-1-2"
    )

    account = written(home, "outlook")
    assert outcome.code == 0, outcome.stderr
    assert account.oauth is not None
    assert (account.oauth.provider, account.oauth.client_id) == ("microsoft", "0-1-2")
    assert account.auth == "xoauth2"
    assert "mailvault login outlook" in outcome.stdout
    state = run_program("login", "outlook", "--status", "--json")
    assert state.document()["reason"] == "nobody has signed in yet"


def test_a_client_id_that_is_still_missing_is_named_at_the_first_login(home: Path) -> None:
    outcome = run_program("init", "--path", "mail", "--address", "me@hotmail.fr")
    assert outcome.code == 0, outcome.stderr

    refused = run_program("login", "outlook")

    assert refused.code == 2
    assert "accounts.outlook.oauth.client_id is empty" in refused.stderr
    (shown,) = run_program("status", "--json").document()["accounts"]
    assert shown["needs_login"]


def test_gmail_signs_in_by_oauth_where_a_client_is_named(home: Path) -> None:
    run_program("init", "--path", "mail", "--address", "me@gmail.com", "--client-id", "c")

    account = written(home, "gmail")
    assert account.oauth is not None
    assert account.oauth.provider == "google"


def test_a_companys_domain_at_microsoft_signs_in_there() -> None:
    found = Discovered("outlook.office365.com", 993, "implicit")

    account, demands = described(NOTHING, "me@company.example", lambda *_: found)

    assert account.oauth_provider == "microsoft"
    assert any("mailvault login company-example" in demand for demand in demands)


def test_a_client_id_without_a_provider_is_refused(home: Path) -> None:
    outcome = run_program(
        "init", "--path", "mail", "--account", "x", "--host", "h", "--user", "u",
        "--client-id", "c",
    )  # fmt: skip

    assert outcome.code == 2
    assert "--address" in outcome.stderr
    assert not list(home.iterdir())
