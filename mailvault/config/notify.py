"""Reads the table ``[notify]``: whom to tell, of what, and how to get there."""

import re
from collections.abc import Callable, Mapping
from email.utils import parseaddr
from pathlib import Path

from mailvault.config import values
from mailvault.config.accounts import TLS_MODES, is_loopback
from mailvault.config.model import (
    AccountSettings,
    LiteralSecret,
    NotifySettings,
    SecretSource,
    SmtpSettings,
)
from mailvault.config.secret_keys import only_one, read_elsewhere, read_secret_source
from mailvault.config.section import Section

SMTP_PORTS = {"implicit": 465, "starttls": 587, "none": 25}
OWN_COMMANDS = ("failure", "suspicion", "needs_login", "recovery")
"""Of these events each may have a command of its own: ``on_failure``."""

PathReader = Callable[[object], Path]


def read_notify(
    section: Section,
    path: PathReader,
    accounts: Mapping[str, AccountSettings],
    *,
    is_private: bool,
) -> NotifySettings:
    """Read whom to tell. ``is_private`` says that nobody else can read the file."""
    settings = NotifySettings(
        ping=_read_url(section, path, "ping_url", values.url),
        webhook=_read_url(section, path, "webhook_url", values.url),
        http_ca_file=section.read("http_ca_file", path, None),
        apprise=_read_url(section, path, "apprise_urls", apprise_urls, is_private=is_private),
        command=section.read("command", values.command, None),
        commands=_commands(section),
        email_to=section.read("email_to", addresses, ()),
        email_from=section.read("email_from", address, None),
        smtp=_smtp(section, path, accounts, is_private=is_private),
        no_success_for=section.read("no_success_for", values.duration, None),
        network_patience=section.read("network_patience", values.duration, 0.0),
        remind_every=section.read("remind_every", values.duration, None),
        digest=section.read("digest", values.choice("daily", "weekly"), None),
        digest_at=section.read("digest_at", values.time_of_day, (8, 0)),
    )
    section.finish()
    _complain_of_digest(settings, section)
    if settings.email_to and settings.smtp is None:
        section.complain("needs smtp_host, the server that takes the mail", "email_to")
    if settings.email_to and settings.email_from is None:
        section.complain("needs email_from, the sender's address", "email_to")
    return settings


def _complain_of_digest(settings: NotifySettings, section: Section) -> None:
    if settings.digest is None and "digest" not in section and "digest_at" in section:
        section.complain('means nothing without digest = "daily" or "weekly"', "digest_at")
    carriers = (settings.email_to, settings.webhook, settings.command, settings.apprise)
    if settings.digest is not None and not any(carriers):
        section.complain(
            "needs email_to, webhook_url, command or apprise_urls; nothing else carries it",
            "digest",
        )


def _read_url(
    section: Section,
    path: PathReader,
    key: str,
    reader: Callable[[object], str],
    *,
    is_private: bool = True,
) -> SecretSource | None:
    """An address that may hold a secret: as it is, or from a command, a file, a variable."""
    literal = section.read(key, reader, None)
    sources: dict[str, SecretSource] = {} if literal is None else {key: LiteralSecret(literal)}
    sources |= read_elsewhere(section, path, key)
    return only_one(section, key, sources, is_private=is_private, instead=f"{key}_file")


def _commands(section: Section) -> Mapping[str, tuple[str, ...]]:
    found = {name: section.read(f"on_{name}", values.command, None) for name in OWN_COMMANDS}
    return {name: command for name, command in found.items() if command is not None}


def _smtp(
    section: Section,
    path: PathReader,
    accounts: Mapping[str, AccountSettings],
    *,
    is_private: bool,
) -> SmtpSettings | None:
    host = section.read("smtp_host", values.host, None)
    tls = section.read("smtp_tls", values.choice(*TLS_MODES), "implicit")
    settings = SmtpSettings(
        host=host or "",
        tls=tls,
        port=section.read("smtp_port", values.whole_number(1, 65535), SMTP_PORTS[tls]),
        ca_file=section.read("smtp_ca_file", path, None),
        insecure=section.read("smtp_insecure", values.boolean, False),
        user=section.read("smtp_user", values.text, None),
        secret=read_secret_source(section, path, is_private=is_private, prefix="smtp_"),
        auth=section.read("smtp_auth", values.choice("auto", "plain", "login"), "auto"),
        oauth_account=section.read("smtp_oauth_account", values.text, None),
    )
    if host is None:
        return None
    _complain(settings, section, accounts)
    return settings


def _complain(
    smtp: SmtpSettings, section: Section, accounts: Mapping[str, AccountSettings]
) -> None:
    logs_in = smtp.user is not None or smtp.oauth_account is not None
    is_open = smtp.tls == "none" and not smtp.insecure and not is_loopback(smtp.host)
    if logs_in and is_open:
        section.complain(
            'would send the password unprotected; use "implicit" or "starttls", or add '
            "smtp_insecure = true if the network is trusted",
            "smtp_tls",
        )
    if smtp.tls == "none" and smtp.ca_file is not None:
        section.complain('means nothing with smtp_tls = "none"; remove one', "smtp_ca_file")
    if smtp.secret is not None and not logs_in:
        section.complain("missing; the password is for whom?", "smtp_user")
    if smtp.oauth_account is None:
        return
    account = accounts.get(smtp.oauth_account)
    if account is None or account.oauth is None:
        section.complain("names no account with a table oauth", "smtp_oauth_account")
    if smtp.secret is not None or smtp.auth != "auto":
        section.complain("excludes a password and smtp_auth; remove them", "smtp_oauth_account")


def address(value: object) -> str:
    """A mail address, with or without a name before it."""
    written = values.text(value)
    if "@" not in parseaddr(written)[1]:
        raise ValueError('must be an address such as "me@example.com"')
    return written


def addresses(value: object) -> tuple[str, ...]:
    return tuple(address(each) for each in values.text_list(value))


def apprise_urls(value: object) -> str:
    """Addresses as Apprise knows them; kept in one line."""
    urls = values.text_list(value)
    if not all(re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://\S+", url) for url in urls):
        raise ValueError('must hold addresses such as "ntfys://ntfy.sh/topic"')
    return " ".join(urls)
