"""Mistakes in a configuration are all named at once, each with what would be right."""

import os
from pathlib import Path

import pytest

from mailvault.config.load import ConfigurationMissing, find, load, parse, user_file
from mailvault.config.model import (
    CommandSecret,
    Configuration,
    EnvironmentSecret,
    FileSecret,
    KeyringSecret,
    LiteralSecret,
    SecretSource,
)
from mailvault.errors import ConfigurationError

CANARY = "kanarienvogel-4711"
WORK = """
[archive]
path = "archive"
[accounts.work]
protocol = "imap"
host = "imap.example.com"
user = "me"
"""
OLD = WORK.replace("imap", "pop3")


def parsed(text: str, *, is_private: bool = True) -> Configuration:
    return parse(text.encode(), Path("/etc/mail/mailvault.toml"), is_private=is_private)


def mistakes_in(text: str, *, is_private: bool = True) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parsed(text, is_private=is_private)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


MISTAKES = {
    "unknown key": (
        WORK + "prot = 993",
        'accounts.work.prot: unknown key, did you mean "port"?',
    ),
    "unknown table": (
        '[archiv]\npath = "x"\n' + WORK,
        'archiv: unknown key, did you mean "archive"?',
    ),
    "unknown key like nothing": (WORK + "zzzz = 1", "accounts.work.zzzz: unknown key"),
    "port too high": (
        WORK + "port = 99999",
        "accounts.work.port: must be a number from 1 to 65535, not 99999",
    ),
    "port in quotes": (
        WORK + 'port = "993"',
        'accounts.work.port: must be a number from 1 to 65535, not "993"',
    ),
    "port is a boolean": (
        WORK + "port = true",
        "accounts.work.port: must be a number from 1 to 65535, not true",
    ),
    "unknown auth": (
        WORK + 'auth = "plane"',
        (
            'accounts.work.auth: must be one of "auto", "plain", "login", "cram-md5", '
            '"scram-sha-1", "scram-sha-256", "apop", "xoauth2", "oauthbearer", not "plane", '
            'did you mean "plain"?'
        ),
    ),
    "apop for imap": (
        WORK + 'auth = "apop"',
        'accounts.work.auth: "apop" is for pop3; use "auto"',
    ),
    "unknown protocol": (
        WORK.replace('"imap"', '"imaps"'),
        (
            'accounts.work.protocol: must be one of "imap", "pop3", not "imaps", did you '
            'mean "imap"?'
        ),
    ),
    "unknown store": (
        WORK.replace('"archive"', '"archive"\nstore = "sqlit"'),
        (
            'archive.store: must be one of "sqlite", "maildir", not "sqlit", did you '
            'mean "sqlite"?'
        ),
    ),
    "tls none far away": (
        WORK + 'tls = "none"',
        (
            'accounts.work.tls: would send the password unprotected; use "implicit" or '
            '"starttls", or add insecure = true if the network is trusted'
        ),
    ),
    "certificate without tls": (
        WORK + 'tls = "none"\ninsecure = true\nca_file = "ca.pem"',
        'accounts.work.ca_file: means nothing with tls = "none"; remove one of them',
    ),
    "two passwords": (
        WORK + 'password_file = "a"\npassword_env = "B"',
        "accounts.work: has password_file and password_env; keep one of them",
    ),
    "keyring off": (
        WORK + "keyring = false",
        "accounts.work.keyring: must be true (or leave the key out), not false",
    ),
    "host with scheme": (
        WORK.replace("imap.example.com", "imaps://imap.example.com"),
        'accounts.work.host: must be only the name of the server, such as "imap.example.com"',
    ),
    "host with port": (
        WORK.replace("imap.example.com", "imap.example.com:993"),
        "accounts.work.host: must not hold a port; write it as port = NUMBER",
    ),
    "missing host": (
        WORK.replace('host = "imap.example.com"', ""),
        'accounts.work.host: missing; write for instance host = "imap.example.com"',
    ),
    "missing archive": ("", 'archive.path: missing; write for instance path = "~/mailvault"'),
    "empty user": (WORK.replace('"me"', '" "'), "accounts.work.user: must not be empty"),
    "user of two lines": (
        WORK.replace('"me"', r'"me\r\nx"'),
        "accounts.work.user: must be one line",
    ),
    "globs are one text": (
        WORK + 'mailboxes = "*"',
        'accounts.work.mailboxes: must be a list such as ["one", "two"]',
    ),
    "globs hold a number": (
        WORK + 'mailboxes = ["*", 3]',
        "accounts.work.mailboxes: must hold only texts in quotes, none of them empty",
    ),
    "glob leaves out nothing": (
        WORK + 'mailboxes = ["*", "!"]',
        'accounts.work.mailboxes: holds a "!" that leaves nothing out; write "!NAME"',
    ),
    "size without sense": (
        WORK + 'max_message_size = "big"',
        'accounts.work.max_message_size: must be a size such as "150M" or "1G", not "big"',
    ),
    "timeout zero": (
        WORK + "timeout = 0",
        'accounts.work.timeout: must be a time such as "30s", "15m", "6h" or "1d", not 0',
    ),
    "fingerprint too short": (
        WORK + 'tls_fingerprint = "sha256:abcd"',
        (
            'accounts.work.tls_fingerprint: must be "sha256:" and the 64 hexadecimal digits of '
            "a certificate"
        ),
    ),
    "no connections": (
        WORK + "connections = 0",
        "accounts.work.connections: must be a number from 1 to 20, not 0",
    ),
    "deletion on imap": (
        WORK + "leave_on_server = false",
        "accounts.work.leave_on_server: is for pop3; use delete_after_days",
    ),
    "connections on pop3": (
        OLD + "connections = 2",
        "accounts.work.connections: is for imap; remove it",
    ),
    "two deletions": (
        OLD + "leave_on_server = false\ndelete_after_days = 3",
        (
            "accounts.work.delete_after_days: means nothing with leave_on_server = false, "
            "which deletes at once; remove one of them"
        ),
    ),
    "schedule without sense": (
        WORK + '[schedule]\nsync = "often"',
        (
            'schedule.sync: "often" is no interval such as "15m", "6h" or "1d"; write an '
            'interval ("15m"), a cron line ("30 2 * * 0"), @hourly, @daily or @weekly'
        ),
    ),
    "cron hour 25": (
        WORK + '[schedule]\nsync = "0 25 * * *"',
        (
            'schedule.sync: "0 25 * * *" is no cron line: bad hour; write an interval '
            '("15m"), a cron line ("30 2 * * 0"), @hourly, @daily or @weekly'
        ),
    ),
    "a schedule that never comes": (
        WORK + 'schedule = "0 3 31 2 *"',
        (
            'accounts.work.schedule: "0 3 31 2 *" never comes: no month has such a day; '
            'write an interval ("15m"), a cron line ("30 2 * * 0"), @hourly, @daily or @weekly'
        ),
    ),
    "copy to nowhere": (
        WORK + '[schedule]\ncopy = "@daily"',
        "schedule.copy: needs copy_to, the folder that takes the copy",
    ),
    "watching on pop3": (OLD + "watch = true", "accounts.work.watch: is for imap; remove it"),
    "window": (
        WORK + '[schedule]\nwindow = "22-6"',
        'schedule.window: must be hours such as "22:00-06:00", not "22-6"',
    ),
    "window of no hours": (
        WORK + '[schedule]\nwindow = "22:00-22:00"',
        'schedule.window: must be hours that are not empty, not "22:00-22:00"',
    ),
    "mail without a server": (
        WORK + '[notify]\nemail_to = ["a@b"]\nemail_from = "c@d"',
        "notify.email_to: needs smtp_host, the server that takes the mail",
    ),
    "a digest at no time": (
        WORK + '[notify]\ncommand = "x"\ndigest = "daily"\ndigest_at = "24:00"',
        'notify.digest_at: must be a time of day such as "07:30", not "24:00"',
    ),
    "a digest each month": (
        WORK + '[notify]\ncommand = "x"\ndigest = "monthly"',
        'notify.digest: must be one of "daily", "weekly", not "monthly"',
    ),
    "a time of no digest": (
        WORK + '[notify]\ncommand = "x"\ndigest_at = "07:30"',
        'notify.digest_at: means nothing without digest = "daily" or "weekly"',
    ),
    "a digest by ping": (
        WORK + '[notify]\nping_url = "https://x"\ndigest = "daily"',
        (
            "notify.digest: needs email_to, webhook_url, command or apprise_urls; "
            "nothing else carries it"
        ),
    ),
    "ping by ftp": (
        WORK + '[notify]\nping_url = "ftp://x"',
        "notify.ping_url: must be an address that begins with https:// (or http://)",
    ),
    "command without an end": (
        WORK + 'password_command = "pass \'show"',
        "accounts.work.password_command: must be a command: no closing quotation",
    ),
    "an account that is no table": (
        '[archive]\npath = "x"\n[accounts]\nwork = "imap.example.com"',
        "accounts.work: must be a table, not a value",
    ),
    "an account named like a path": (
        WORK.replace("accounts.work", 'accounts."../work"'),
        "accounts.../work: an account's name is letters, digits and . _ - + @, such as work",
    ),
}


@pytest.mark.parametrize(("text", "mistake"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_named_with_its_key_and_what_would_be_right(
    text: str, mistake: str
) -> None:
    assert mistake in mistakes_in(text)


def test_all_mistakes_are_reported_at_once() -> None:
    mistakes = mistakes_in(WORK + 'port = 0\nauth = "no"\nprot = 1\n[shedule]\n')

    assert [mistake.split(":")[0] for mistake in mistakes] == [
        "accounts.work.port",
        "accounts.work.auth",
        "accounts.work.prot",
        "shedule",
    ]


@pytest.mark.parametrize(
    "line",
    [
        f'password = ["{CANARY}"]',
        f'pasword = "{CANARY}"',
        f'password = "{CANARY}"\npassword_file = "x"',
        f'password = """a\n{CANARY}',
        f'password = "{CANARY}" x',
        f"password = {CANARY}",
    ],
)
def test_no_mistake_repeats_a_password(line: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parsed(WORK + line)

    assert CANARY not in f"{caught.value!r} {caught.value} {caught.value.hint}"


def test_a_password_in_the_file_never_shows_in_a_representation() -> None:
    configuration = parsed(WORK + f'password = "{CANARY}"')

    assert configuration.accounts["work"].secret == LiteralSecret(CANARY)
    assert CANARY not in repr(configuration)


def test_a_password_in_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mailvault.toml"
    path.write_text(WORK + f'password = "{CANARY}"')
    path.chmod(0o640)

    with pytest.raises(
        ConfigurationError, match=r"accounts\.work\.password: .*chmod 600"
    ) as caught:
        load(path)

    assert CANARY not in str(caught.value)
    path.chmod(0o600)
    assert load(path).accounts["work"].secret == LiteralSecret(CANARY)


@pytest.mark.parametrize(
    ("protocol", "tls", "port"),
    [
        ("imap", "implicit", 993),
        ("imap", "starttls", 143),
        ("pop3", "implicit", 995),
        ("pop3", "starttls", 110),
    ],
)
def test_the_port_follows_from_protocol_and_tls(protocol: str, tls: str, port: int) -> None:
    text = WORK.replace('protocol = "imap"', f'protocol = "{protocol}"') + f'tls = "{tls}"'

    assert parsed(text).accounts["work"].port == port


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_plain_text_is_allowed_on_this_machine(host: str) -> None:
    text = WORK.replace("imap.example.com", host) + 'tls = "none"'

    assert parsed(text).accounts["work"].tls == "none"


@pytest.mark.parametrize(
    ("line", "source"),
    [
        (
            "password_command = \"pass show 'mail work'\"",
            CommandSecret(("pass", "show", "mail work")),
        ),
        ('password_command = ["pass", "show"]', CommandSecret(("pass", "show"))),
        ('password_file = "x.secret"', FileSecret(Path("/etc/mail/x.secret"))),
        ('password_env = "WORK"', EnvironmentSecret("WORK")),
        ("keyring = true", KeyringSecret()),
        ("", None),
    ],
)
def test_each_place_of_a_password_is_understood(line: str, source: SecretSource | None) -> None:
    assert parsed(WORK + line).accounts["work"].secret == source


@pytest.mark.parametrize(
    ("written", "octets"),
    [
        ("1G", 1 << 30),
        ("150M", 150 << 20),
        ("10 KiB", 10240),
        ("4096", 4096),
        ("35MB", 35 << 20),
    ],
)
def test_sizes_may_have_units(written: str, octets: int) -> None:
    text = WORK + f'max_message_size = "{written}"'

    assert parsed(text).accounts["work"].max_message_size == octets


def test_paths_are_relative_to_the_configuration_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "mailvault.toml"
    path.parent.mkdir()
    path.write_text(WORK)

    assert load(path).archive.path == tmp_path / "folder" / "archive"


def test_a_tilde_is_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")

    assert parsed('[archive]\npath = "~/mail"').archive.path == Path("/home/me/mail")


def test_a_tilde_of_nobody_is_a_mistake() -> None:
    assert mistakes_in('[archive]\npath = "~nobody-of-that-name/mail"') == [
        "archive.path: names the home of a user who has none"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[archive", "is not valid TOML"),
        (b"path = imap.example.com", "is not valid TOML"),
        (b'[archive]\npath = "\xff"', "is not UTF-8 at octet 18"),
        (b"a = 1\na = 2", "is not valid TOML"),
    ],
)
def test_a_file_that_is_not_toml_is_named(content: bytes, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse(content, Path("mailvault.toml"), is_private=True)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_the_file_is_looked_for_in_the_order_of_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given, variable = tmp_path / "given.toml", tmp_path / "variable.toml"
    local, user = Path("mailvault.toml"), tmp_path / "xdg" / "mailvault" / "config.toml"
    user.parent.mkdir(parents=True)
    for path in (given, variable, local, user):
        path.touch()
    environment = {"MAILVAULT_CONFIG": str(variable), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}

    assert find(given, environment) == given
    assert find(None, environment) == variable
    del environment["MAILVAULT_CONFIG"]
    assert find(None, environment) == local
    local.unlink()
    assert find(None, environment) == user


def test_a_named_file_that_is_missing_is_not_replaced_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mailvault.toml").touch()

    with pytest.raises(ConfigurationMissing, match=r"no configuration file .*nowhere\.toml"):
        find(tmp_path / "nowhere.toml", os.environ)
    with pytest.raises(ConfigurationMissing):
        find(None, {"MAILVAULT_CONFIG": str(tmp_path / "nowhere.toml")})


def test_no_file_anywhere_names_the_places_and_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(
        ConfigurationMissing, match=r"mailvault\.toml, .*/etc/mailvault"
    ) as caught:
        find(None, {"XDG_CONFIG_HOME": str(tmp_path)})

    assert "mailvault init" in str(caught.value.hint)


def test_a_relative_xdg_folder_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")

    expected = Path("/home/me/.config/mailvault/config.toml")
    assert user_file({"XDG_CONFIG_HOME": "relative"}) == expected
