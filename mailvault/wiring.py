"""The only place that picks concrete classes from a configuration.

Everything heavy is imported inside the functions: `mailvault --help` must not wait for it.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mailvault import logins
from mailvault.clock import SystemClock as SystemClock
from mailvault.config.model import AccountSettings, Configuration
from mailvault.errors import ArchiveLocked, ArchiveMissing, ConfigurationError, UsageError

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from mailvault.archive.archive import Archive
    from mailvault.archive.standings import Standing
    from mailvault.mail.globs import MailboxGlobs
    from mailvault.mail.model import Mailbox
    from mailvault.operations.account_sync import SyncAccount
    from mailvault.operations.check import CheckReport
    from mailvault.operations.rebuild import RebuildReport
    from mailvault.operations.reports import Progress, SyncReport
    from mailvault.ports import Destination, Source
    from mailvault.transport.allowance import Allowance
    from mailvault.transport.autoconfig import Discovered
    from mailvault.transport.endpoint import Endpoint, Login
    from mailvault.transport.imap import ImapClient
    from mailvault.transport.pop3 import Pop3Client


def create_archive(configuration: Configuration) -> "Archive":
    from mailvault.archive.archive import Archive

    settings = configuration.archive
    if settings.store != "sqlite":
        raise UsageError(
            f"archive.store: this release cannot make archives of kind {settings.store!r} yet",
            hint='use store = "sqlite"',
        )
    return Archive.create(settings.path, store=settings.store, clock=SystemClock())


def open_archive(configuration: Configuration, *, writing: bool) -> "Archive":
    """Open the configured archive. Writing takes its lock, reading needs none."""
    from mailvault.archive.archive import Archive

    return Archive.open(configuration.archive.path, writing=writing, clock=SystemClock())


def sync_account(
    account: AccountSettings,
    spool_folder: Path | None,
    spent: "tuple[date, int] | None" = None,
) -> "SyncAccount":
    """Give sync what it needs of an account. Nothing is connected yet.

    ``spent`` are the octets that the account already cost on a day.
    """
    from mailvault.mail.globs import MailboxGlobs
    from mailvault.operations.account_sync import SyncAccount
    from mailvault.operations.removal import RemovalPolicy

    allowance = _allowance(account, spent)
    login = logins.login(account)
    days = account.delete_after_days if account.leave_on_server else 0
    return SyncAccount(
        name=account.name,
        protocol=account.protocol,
        open_source=source_factory(account, spool_folder, allowance, login),
        globs=MailboxGlobs(account.mailboxes),
        connections=account.connections,
        removal=None if days is None else RemovalPolicy(days),
        allowance=allowance,
        credential=logins.credential(account, login),
    )


def _allowance(
    account: AccountSettings, spent: "tuple[date, int] | None"
) -> "Allowance | None":
    from mailvault.transport.allowance import Allowance

    if account.max_rate is None and account.daily_limit is None:
        return None

    return Allowance(
        SystemClock(),
        max_rate=account.max_rate,
        daily_limit=account.daily_limit,
        spent=spent,
    )


def source_factory(
    account: AccountSettings,
    spool_folder: Path | None,
    allowance: "Allowance | None" = None,
    login: "Login | None" = None,
) -> "Callable[[], Source]":
    """Give what opens one connection after another, until a login is refused."""
    from mailvault.mail.globs import MailboxGlobs
    from mailvault.transport.login_gate import LoginGate

    globs = MailboxGlobs(account.mailboxes)
    if account.protocol == "pop3":
        connect_pop3 = LoginGate(pop3_connector(account, spool_folder, allowance, login))

        def open_pop3() -> "Source":
            refuse_unsupported(account)
            from mailvault.sources.pop3 import Pop3Source

            largest = account.max_message_size
            return Pop3Source(connect_pop3, globs, clock=SystemClock(), largest=largest)

        return open_pop3
    connect = LoginGate(connector(account, spool_folder, allowance, login))

    def open_source() -> "Source":
        refuse_unsupported(account)
        from mailvault.sources.imap import ImapSource

        return ImapSource(connect, globs, clock=SystemClock())

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


def refuse_unsupported(account: AccountSettings) -> None:
    """Refuse what the configuration may say but this release cannot do."""
    where = f"accounts.{account.name}"
    if account.ca_file is not None and not account.ca_file.is_file():
        raise ConfigurationError(f"{where}.ca_file: there is no file {account.ca_file}")


def check_account(account: AccountSettings) -> "CheckReport":
    """Look at one account's server; what is wrong stands in the report."""
    from mailvault.errors import MailvaultError
    from mailvault.mail.globs import MailboxGlobs
    from mailvault.operations.check import CheckReport, check

    try:
        refuse_unsupported(account)
    except MailvaultError as error:
        return CheckReport(account.name, error=error)
    globs = MailboxGlobs(account.mailboxes)
    if account.protocol == "pop3":
        from mailvault.operations.check_pop3 import check_pop3

        return check_pop3(account.name, pop3_connector(account), globs)
    return check(account.name, connector(account), globs)


def sync(
    archive: "Archive",
    accounts: Sequence[AccountSettings],
    *,
    only: "MailboxGlobs | None" = None,
    accept_empty: bool = False,
    by_hand: bool = False,
    progress: "Progress | None" = None,
) -> "SyncReport":
    """Bring an open archive level with the servers of these accounts."""
    from mailvault.operations.sync import sync as operation

    standings = archive.standings.all()
    return operation(
        archive,
        [
            sync_account(account, archive.tmp, _spent(standings.get(account.name)))
            for account in accounts
        ],
        mailbox_globs=only,
        accept_empty=accept_empty,
        by_hand=by_hand,
        progress=progress,
    )


def _spent(standing: "Standing | None") -> "tuple[date, int] | None":
    return None if standing is None or standing.day is None else (standing.day, standing.octets)


def preview(
    archive: "Archive",
    accounts: Sequence[AccountSettings],
    *,
    only: "MailboxGlobs | None" = None,
    by_hand: bool = False,
) -> "SyncReport":
    """Count what a sync would fetch."""
    from mailvault.operations.preview import preview as operation

    standings = archive.standings.all()
    # A reader of the archive has no business in its folder for temporary files.
    asked = [
        sync_account(account, None, _spent(standings.get(account.name))) for account in accounts
    ]
    return operation(archive, asked, mailbox_globs=only, by_hand=by_hand)


def end_pause(configuration: Configuration, account: AccountSettings) -> None:
    """After a new login nothing is held against the account.

    Where another process writes to the archive nothing need be done: the next sync sees
    that the secret is another one.
    """
    from mailvault.operations.patience import at_ease

    try:
        with open_archive(configuration, writing=False) as archive:
            if not archive.standings.of(account.name).refusals:
                return
        with open_archive(configuration, writing=True) as archive:
            archive.standings.keep(account.name, at_ease(archive.standings.of(account.name)))
    except (ArchiveLocked, ArchiveMissing) as error:
        log.info("the pause of %s is left as it is: %s", account.name, error)


def discover(address: str, protocol: str) -> "Discovered | None":
    """Find the server of an address. Sends nothing but its domain."""
    from mailvault.transport.discovery import discover as find

    return find(address, protocol)


def remote_mailboxes(accounts: Sequence[AccountSettings]) -> Iterator[tuple[str, "Mailbox"]]:
    """List what each server has, whatever the globs of the accounts say."""
    for account in accounts:
        refuse_unsupported(account)
        if account.protocol == "pop3":
            with source_factory(replace(account, mailboxes=("*",)), None)() as source:
                yield from ((account.name, mailbox) for mailbox in source.mailboxes())
            continue
        with connector(account)() as client:
            for listed in client.list_mailboxes():
                yield account.name, listed.mailbox


def open_destination(file_format: str, path: Path, archive: "Archive") -> "Destination":
    """Choose what writes mail to files. It must not write into the archive."""
    from mailvault.destinations.eml import EmlDestination
    from mailvault.destinations.maildir import MaildirDestination
    from mailvault.destinations.mbox import MboxDestination

    match file_format:
        case "eml":
            return EmlDestination(path, outside=archive.path)
        case "maildir":
            return MaildirDestination(path, outside=archive.path)
        case "mbox":
            return MboxDestination(path, outside=archive.path)
        case _:
            raise UsageError(
                f"there is no format {file_format!r}" if file_format else "--format is missing",
                hint="choose --format maildir, mbox or eml",
            )


def rebuild(configuration: Configuration, *, progress: "Progress") -> "RebuildReport":
    """Make the catalog of the configured archive anew."""
    from mailvault.operations.rebuild import rebuild as operation

    return operation(configuration.archive.path, SystemClock(), progress)
