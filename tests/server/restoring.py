"""Restoring to a second account, and comparing what both hold."""

from collections import Counter
from datetime import datetime

from tests.oracle import Holdings
from tests.server.accounts import read
from tests.server.vault import Json, Vault
from tests.servers.process import HOST
from tests.servers.users import MailUser

Message = tuple[str, str, frozenset[str], datetime]
"""Mailbox, digest, flags and arrival."""

DESTRUCTIVE = {
    *("STORE", "UID STORE", "EXPUNGE", "UID EXPUNGE", "CLOSE", "DELETE", "RENAME"),
    *("MOVE", "UID MOVE", "COPY", "UID COPY", "UNSUBSCRIBE", "SETACL", "SETMETADATA"),
    *("REPLACE", "UID REPLACE", "SETQUOTA"),
}


def add_target(
    vault: Vault, user: MailUser, *, name: str = "target", port: int | None = None
) -> None:
    """Add an account to the configuration; it takes the place of one with that name."""
    text = vault.configuration.read_text(encoding="utf-8")
    kept = text.partition(f"\n[accounts.{name}]\n")[0]
    vault.configuration.write_text(
        f"{kept}\n[accounts.{name}]\n"
        f'protocol = "imap"\nhost = "{HOST}"\nport = {port or user.port}\ntls = "none"\n'
        f'user = "{user.name}"\npassword = "{user.password}"\n',
        encoding="utf-8",
    )


def restore(vault: Vault, *arguments: str, to: str = "target", code: int = 0) -> Json:
    """Restore the account ``work``, and give what was reported."""
    words = ("restore", "work", "--to", to, "--json", *arguments)
    return vault.run(*words, code=code).document()


def messages(user: MailUser, *, prefix: str = "") -> Counter[Message]:
    """What the account holds; without what its server puts in front of names."""
    return counted(read(user), prefix=prefix)


def counted(holdings: Holdings, *, prefix: str = "") -> Counter[Message]:
    return Counter(
        (name.removeprefix(prefix), seen.digest, seen.flags, seen.internal_date)
        for (name, _), seen in holdings.messages.items()
    )


def total(report: Json, of: str) -> int:
    """Sum one count of a restore's report over all mailboxes."""
    return sum(mailbox[of] for mailbox in report["mailboxes"])
