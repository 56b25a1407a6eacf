"""Reads the tables ``[accounts.NAME]`` and says which keys contradict each other."""

import re
from dataclasses import replace
from pathlib import Path

from mailvault.config import values
from mailvault.config.model import AccountSettings
from mailvault.config.oauth import complain_of_logins, mechanism_of, read_oauth
from mailvault.config.secret_keys import read_secret_source
from mailvault.config.section import Section

PORTS = {
    ("imap", "implicit"): 993,
    ("imap", "starttls"): 143,
    ("imap", "none"): 143,
    ("pop3", "implicit"): 995,
    ("pop3", "starttls"): 110,
    ("pop3", "none"): 110,
}
TLS_MODES = ("implicit", "starttls", "none")
MECHANISMS = (
    *("auto", "plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256"),
    *("apop", "xoauth2", "oauthbearer"),
)
DAYS = values.whole_number(1, 36500)
KEYS_OF_POP3 = ("leave_on_server",)
KEYS_OF_IMAP = ("connections", "watch", "watch_mailboxes")


def read_account(
    name: str, section: Section, *, folder: Path, tokens: Path, is_private: bool
) -> AccountSettings:
    """Read one account. ``is_private`` says that nobody else can read the file.

    Its OAuth2 tokens are kept in the folder ``tokens``.
    """
    _complain_of_name(name, section)
    protocol = section.require("protocol", values.choice("imap", "pop3"), "imap", '"imap"')
    tls = section.read("tls", values.choice(*TLS_MODES), "implicit")
    path = values.path_below(folder)
    account = AccountSettings(
        name=name,
        protocol=protocol,
        host=section.require("host", values.host, "localhost", '"imap.example.com"'),
        port=section.read("port", values.whole_number(1, 65535), PORTS[protocol, tls]),
        tls=tls,
        ca_file=section.read("ca_file", path, None),
        tls_fingerprint=section.read("tls_fingerprint", values.fingerprint, None),
        insecure=section.read("insecure", values.boolean, False),
        user=section.require("user", values.text, "", '"me@example.com"'),
        secret=read_secret_source(section, path, is_private=is_private),
        oauth=read_oauth(section, path, tokens / f"{name}.json", is_private=is_private),
        auth=section.read("auth", values.choice(*MECHANISMS), "auto"),
        mailboxes=section.read("mailboxes", values.globs, ("*",)),
        connections=section.read("connections", values.whole_number(1, 20), 3),
        max_message_size=section.read("max_message_size", values.size, 1 << 30),
        timeout=section.read("timeout", values.duration, 60.0),
        max_rate=section.read("max_rate", values.size, None),
        daily_limit=section.read("daily_limit", values.size, None),
        leave_on_server=section.read("leave_on_server", values.boolean, True),
        delete_after_days=section.read("delete_after_days", DAYS, None),
        schedule=section.read("schedule", values.schedule, None),
        watch=section.read("watch", values.boolean, False),
        watch_mailboxes=section.read("watch_mailboxes", values.globs, ("INBOX",)),
    )
    section.finish()
    _complain_of_contradictions(account, section)
    complain_of_logins(account, section)
    return replace(account, auth=mechanism_of(account))


def _complain_of_name(name: str, section: Section) -> None:
    if not re.fullmatch(r"[^\W_][\w.@+ -]{0,99}", name) or name != name.strip():
        section.complain("an account's name is letters, digits and . _ - + @, such as work")


def _complain_of_contradictions(account: AccountSettings, section: Section) -> None:
    if account.tls == "none" and not account.insecure and not is_loopback(account.host):
        section.complain(
            'would send the password unprotected; use "implicit" or "starttls", or add '
            "insecure = true if the network is trusted",
            "tls",
        )
    if account.tls == "none":
        for key in ("ca_file", "tls_fingerprint"):
            if key in section:
                section.complain('means nothing with tls = "none"; remove one of them', key)
    if account.protocol == "imap":
        _complain_of_keys(section, KEYS_OF_POP3, "is for pop3; use delete_after_days")
    if account.protocol == "pop3":
        _complain_of_keys(section, KEYS_OF_IMAP, "is for imap; remove it")
    if account.auth == "apop" and account.protocol != "pop3":
        section.complain('"apop" is for pop3; use "auto"', "auth")
    if account.delete_after_days is not None and not account.leave_on_server:
        section.complain(
            "means nothing with leave_on_server = false, which deletes at once; "
            "remove one of them",
            "delete_after_days",
        )


def _complain_of_keys(section: Section, keys: tuple[str, ...], what: str) -> None:
    for key in keys:
        if key in section:
            section.complain(what, key)


def is_loopback(host: str) -> bool:
    """Whether what is sent to ``host`` never leaves this machine."""
    if host.lower() in ("localhost", "localhost.localdomain"):
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
