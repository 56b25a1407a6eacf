"""Check: log in, look round, and say what the server can do and what is misconfigured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mailvault.errors import MailvaultError, UsageError
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import MailboxName
from mailvault.transport.imap import ImapClient

FEATURES = {
    "CONDSTORE": "flag changes are found without reading all flags",
    "QRESYNC": "expunged messages are found without listing all",
    "COMPRESS=DEFLATE": "less goes over the line",
    "LIST-STATUS": "one command shows which mailboxes changed",
    "LIST-EXTENDED": "one command lists subscriptions too",
    "SPECIAL-USE": "the server names its Sent, Trash and so on",
    "ESEARCH": "long lists of messages come short",
    "OBJECTID": "renamed mailboxes and moved messages are recognised",
    "LITERAL+": "restores need fewer round trips",
    "UIDPLUS": "restores learn where messages went",
}
FEATURES_OF_POP3 = {
    "UIDL": "only new mail is fetched, and mail may be deleted safely",
    "PIPELINING": "mail is fetched without a pause after each message",
    "TOP": "messages are compared by their headers before they are deleted",
    "UTF8": "mail with 8-bit headers comes as it is",
}
PROVIDERS = {
    "CONDSTORE": ("QRESYNC",),  # RFC 7162 3.2.3: QRESYNC includes CONDSTORE
    "OBJECTID": ("X-GM-EXT-1",),
    "LITERAL+": ("LITERAL-",),
}
IN_REV2 = ("LIST-STATUS", "LIST-EXTENDED", "SPECIAL-USE", "ESEARCH", "UIDPLUS", "LITERAL+")


@dataclass(frozen=True, slots=True)
class CheckedMailbox:
    name: MailboxName
    messages: int | None
    special_use: str | None
    is_selected: bool


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What logging in and listing showed; ``error`` says why it got no further."""

    account: str
    server: str = ""
    capabilities: frozenset[str] = frozenset()
    mailboxes: tuple[CheckedMailbox, ...] = ()
    unmatched_globs: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()
    error: MailvaultError | None = None
    known_features: Mapping[str, str] = field(default_factory=lambda: FEATURES)

    @property
    def features(self) -> dict[str, bool]:
        return {name: _offers(self.capabilities, name) for name in self.known_features}

    @property
    def exit_code(self) -> int:
        if self.error is not None:
            return self.error.exit_code
        return UsageError.exit_code if self.mistakes else 0


def check(account: str, connect: Callable[[], ImapClient], globs: MailboxGlobs) -> CheckReport:
    """Look at one account. Changes nothing on either side."""
    try:
        with connect() as client:
            listed = client.list_mailboxes()
            capabilities = client.capabilities
            server = _server_name(client)
    except MailvaultError as error:
        return CheckReport(account, error=error)
    mailboxes = tuple(
        CheckedMailbox(
            each.mailbox.name,
            each.mailbox.state.messages,
            each.mailbox.special_use,
            is_selected=each.mailbox.is_selectable and globs.matches(each.mailbox.name),
        )
        for each in listed
    )
    unmatched = globs.unmatched(each.name for each in mailboxes)
    return CheckReport(
        account,
        server=server,
        capabilities=capabilities,
        mailboxes=mailboxes,
        unmatched_globs=unmatched,
        mistakes=tuple(mistakes_in(account, mailboxes, unmatched)),
    )


def _server_name(client: ImapClient) -> str:
    """What the server calls itself: ID (RFC 2971), else its greeting."""
    named = [client.server_id[key] for key in ("name", "version") if key in client.server_id]
    return " ".join(named) or client.greeting_text


def mistakes_in(
    account: str, mailboxes: tuple[CheckedMailbox, ...], unmatched: tuple[str, ...]
) -> list[str]:
    where = f"accounts.{account}.mailboxes"
    if not mailboxes:
        return ["the server lists no mailbox at all"]
    # Leaving out what does not exist is a precaution, not a mistake.
    wanted = [pattern for pattern in unmatched if not pattern.startswith("!")]
    mistakes = [f'{where}: "{pattern}" matches no mailbox' for pattern in wanted]
    if not any(each.is_selected for each in mailboxes):
        mistakes.append(f"{where}: no mailbox is selected, so nothing would be archived")
    return mistakes


def _offers(capabilities: frozenset[str], name: str) -> bool:
    if name in capabilities or any(each in capabilities for each in PROVIDERS.get(name, ())):
        return True
    return "IMAP4REV2" in capabilities and name in IN_REV2
