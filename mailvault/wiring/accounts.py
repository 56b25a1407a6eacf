"""What a configured account becomes: connections, sources, targets, allowances."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mailvault import logins
from mailvault.clock import SystemClock
from mailvault.config.model import AccountSettings
from mailvault.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from mailvault.archive.archive import Archive
    from mailvault.archive.standings import Standing
    from mailvault.operations.account_sync import SyncAccount
    from mailvault.operations.slots import Slot
    from mailvault.ports import Clock, RemoteDestination, Source
    from mailvault.transport.allowance import Allowance
    from mailvault.transport.endpoint import Endpoint, Login
    from mailvault.transport.imap import ImapClient
    from mailvault.transport.pop3 import Pop3Client


def sync_account(
    account: AccountSettings,
    spool_folder: Path | None,
    spent: "tuple[date, int] | None" = None,
    slot: "Slot | None" = None,
) -> "SyncAccount":
    """Give sync what it needs of an account. Nothing is connected yet.

    ``spent`` are the octets that the account already cost on a day; ``slot`` is its place
    among several accounts at once.
    """
    from mailvault.mail.globs import MailboxGlobs
    from mailvault.operations.account_sync import SyncAccount
    from mailvault.operations.removal import RemovalPolicy

    allowance = new_allowance(account, spent, slot)
    login = logins.login(account)
    days = account.delete_after_days if account.leave_on_server else 0
    return SyncAccount(
        name=account.name,
        protocol=account.protocol,
        open_source=source_factory(account, spool_folder, allowance, slot, login),
        globs=MailboxGlobs(account.mailboxes),
        connections=account.connections,
        removal=None if days is None else RemovalPolicy(days),
        allowance=allowance,
        slot=slot,
        credential=logins.credential(account, login),
    )


def new_allowance(
    account: AccountSettings, spent: "tuple[date, int] | None", clock: "Clock | None"
) -> "Allowance | None":
    from mailvault.transport.allowance import Allowance

    if account.max_rate is None and account.daily_limit is None:
        return None

    return Allowance(
        clock or SystemClock(),
        max_rate=account.max_rate,
        daily_limit=account.daily_limit,
        spent=spent,
    )


def source_factory(
    account: AccountSettings,
    spool_folder: Path | None,
    allowance: "Allowance | None" = None,
    clock: "Clock | None" = None,
    login: "Login | None" = None,
) -> "Callable[[], Source]":
    """Give what opens one connection after another, until a login is refused."""
    from mailvault.mail.globs import MailboxGlobs
    from mailvault.transport.login_gate import LoginGate

    globs, clock = MailboxGlobs(account.mailboxes), clock or SystemClock()
    if account.protocol == "pop3":
        connect_pop3 = LoginGate(pop3_connector(account, spool_folder, allowance, login))

        def open_pop3() -> "Source":
            refuse_unsupported(account)
            from mailvault.sources.pop3 import Pop3Source

            largest = account.max_message_size
            return Pop3Source(connect_pop3, globs, clock=clock, largest=largest)

        return open_pop3
    connect = LoginGate(connector(account, spool_folder, allowance, login))

    def open_source() -> "Source":
        refuse_unsupported(account)
        from mailvault.sources.imap import ImapSource

        return ImapSource(connect, globs, clock=clock)

    return open_source


def connector(
    account: AccountSettings,
    spool_folder: Path | None = None,
    allowance: "Allowance | None" = None,
    login: "Login | None" = None,
) -> "Callable[[], ImapClient]":
    """Give what connects and logs in. All its connections share one reading of the secret."""
    from mailvault.transport.imap import ImapClient

    return partial(
        ImapClient.connect,
        replace(endpoint(account), allowance=allowance),
        login or logins.login(account),
        spool_folder,
        max_message=account.max_message_size,
    )


def pop3_connector(
    account: AccountSettings,
    spool_folder: Path | None = None,
    allowance: "Allowance | None" = None,
    login: "Login | None" = None,
) -> "Callable[[], Pop3Client]":
    """As `connector`, for POP3."""
    from mailvault.transport.pop3 import Pop3Client

    return partial(
        Pop3Client.connect,
        replace(endpoint(account), allowance=allowance),
        login or logins.login(account),
        spool_folder,
        max_message=account.max_message_size,
    )


def endpoint(account: AccountSettings) -> "Endpoint":
    from mailvault.transport.endpoint import Endpoint, Timeouts, TlsMode

    wait = account.timeout
    return Endpoint(
        host=account.host,
        port=account.port,
        tls=TlsMode(account.tls),
        ca_file=account.ca_file,
        tls_fingerprint=account.tls_fingerprint,
        insecure=account.insecure,
        # A connection that cannot be made fails sooner than a mailbox that is slow to open.
        timeouts=Timeouts(
            connect=wait / 2, tls=wait / 2, greeting=wait, command=wait, idle_read=wait
        ),
    )


def reach(account: AccountSettings) -> list[str]:
    """What the server offers before a login. Raises SourceError."""
    from mailvault.transport.reachability import reach_imap, reach_pop3

    look = reach_pop3 if account.protocol == "pop3" else reach_imap
    return look(endpoint(account))


def refuse_unsupported(account: AccountSettings) -> None:
    """Refuse what the configuration may say but this release cannot do."""
    where = f"accounts.{account.name}"
    if account.ca_file is not None and not account.ca_file.is_file():
        raise ConfigurationError(f"{where}.ca_file: there is no file {account.ca_file}")


def spent_octets(standing: "Standing | None") -> "tuple[date, int] | None":
    return None if standing is None or standing.day is None else (standing.day, standing.octets)


def target_factory(
    account: AccountSettings, spool_folder: Path | None
) -> "Callable[[], RemoteDestination]":
    """Give what opens one connection after another to a server that is to take mail."""
    from mailvault.transport.imap_append import ImapWriter
    from mailvault.transport.login_gate import LoginGate

    refuse_unsupported(account)
    if account.protocol != "imap":
        raise UsageError(
            f"accounts.{account.name}: {account.protocol} can only be read from",
            hint="mail can be put back over IMAP",
        )
    connect = LoginGate(
        partial(
            ImapWriter.connect,
            endpoint(account),
            logins.login(account),
            spool_folder,
            max_message=account.max_message_size,
        )
    )

    def open_target() -> "RemoteDestination":
        from mailvault.destinations.imap import ImapDestination

        return ImapDestination(connect, f"imap {account.host.lower()} {account.user}")

    return open_target


def upload_allowance(archive: "Archive", account: AccountSettings) -> "Allowance | None":
    """What may be sent to an account; what it has had today counts, sent or received."""
    return new_allowance(account, spent_octets(archive.standings.of(account.name)), None)
