"""The only place that picks concrete classes from a configuration.

Everything heavy is imported inside the functions: `mailvault --help` must not wait for it.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, tzinfo
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
    from mailvault.archive.lock import Lease
    from mailvault.archive.standings import Standing
    from mailvault.mail.globs import MailboxGlobs
    from mailvault.mail.model import Mailbox
    from mailvault.operations.account_sync import SyncAccount
    from mailvault.operations.check import CheckReport
    from mailvault.operations.convert import ConvertReport
    from mailvault.operations.copy import CopyReport
    from mailvault.operations.drill import DrillReport
    from mailvault.operations.import_files import Import
    from mailvault.operations.rebuild import RebuildReport
    from mailvault.operations.remote_report import RemoteReport
    from mailvault.operations.repair import RepairPlan, RepairReport
    from mailvault.operations.reports import Progress, SyncReport
    from mailvault.operations.slots import Line, Slot
    from mailvault.ports import Clock, Destination, RemoteDestination, Source
    from mailvault.transport.allowance import Allowance
    from mailvault.transport.autoconfig import Discovered
    from mailvault.transport.endpoint import Endpoint, Login
    from mailvault.transport.imap import ImapClient
    from mailvault.transport.pop3 import Pop3Client


NOTE_SECONDS = 5.0
"""How long a small note waits for the archive's lock."""


@dataclass(frozen=True, slots=True)
class ImportForm:
    """How files are to be imported: in which format they are, and with which line ends."""

    file_format: str = "auto"
    keeps_line_ends: bool = False
    is_dry_run: bool = False


def create_archive(configuration: Configuration) -> "Archive":
    from mailvault.archive.archive import Archive

    settings = configuration.archive
    return Archive.create(settings.path, store=settings.store, clock=SystemClock())


def open_archive(
    configuration: Configuration, *, writing: bool, wait: float = 0.0
) -> "Archive":
    """Open the configured archive. Writing waits so many seconds for its lock."""
    from mailvault.archive.archive import Archive

    path = configuration.archive.path
    return Archive.open(path, writing=writing, clock=SystemClock(), wait=wait)


def take_lease(configuration: Configuration) -> "Lease":
    """The right to run the schedules of the configured archive. Raises ArchiveLocked."""
    from mailvault.archive.identity import require_identity
    from mailvault.archive.lock import Lease

    require_identity(configuration.archive.path)
    return Lease.acquire(configuration.archive.path, clock=SystemClock())


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

    allowance = _allowance(account, spent, slot)
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


def _allowance(
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
    from mailvault.operations.import_files import refusing_imported
    from mailvault.operations.sync import sync as operation

    standings = archive.standings.all()
    return operation(
        archive,
        refusing_imported(
            archive,
            [
                sync_account(account, archive.tmp, _spent(standings.get(account.name)))
                for account in accounts
            ],
        ),
        mailbox_globs=only,
        accept_empty=accept_empty,
        by_hand=by_hand,
        progress=progress,
    )


def sync_together(
    archive: "Archive",
    accounts: Sequence[AccountSettings],
    line: "Line",
    *,
    at_once: int,
    progress: "Progress | None" = None,
) -> "SyncReport":
    """As `sync`, but several accounts at the same time."""
    from mailvault.operations.import_files import refusing_imported
    from mailvault.operations.slots import Slot
    from mailvault.operations.sync import sync_together as operation

    standings = archive.standings.all()
    wanted = [
        sync_account(each, archive.tmp, _spent(standings.get(each.name)), Slot(line))
        for each in accounts
    ]
    return operation(
        archive,
        refusing_imported(archive, wanted),
        line,
        at_once=at_once,
        progress=progress,
    )


def local_zone() -> "tzinfo":
    """The zone of the clock on the wall, with its changes: $TZ, or what the system says."""
    from zoneinfo import ZoneInfoNotFoundError

    from tzlocal import get_localzone

    try:
        return get_localzone()
    except ZoneInfoNotFoundError:  # $TZ may hold a rule ("CET-1CEST") instead of a name
        present = datetime.now().astimezone().tzinfo or UTC
        log.warning("the time zone has no name; schedules go by %s all year", present)
        return present


def _spent(standing: "Standing | None") -> "tuple[date, int] | None":
    return None if standing is None or standing.day is None else (standing.day, standing.octets)


def verify_remote(
    archive: "Archive",
    accounts: Sequence[AccountSettings],
    *,
    percent: float,
    only: "MailboxGlobs | None",
    by_hand: bool,
    progress: "Progress",
) -> "RemoteReport":
    """Compare the servers of these accounts with the archive; read this share of the mail."""
    from random import SystemRandom
    from tempfile import TemporaryDirectory

    from mailvault.operations.remote_mailbox import Depth
    from mailvault.operations.verify_remote import RemoteOptions
    from mailvault.operations.verify_remote import verify_remote as operation

    standings = archive.standings.all()
    options = RemoteOptions(Depth(percent, SystemRandom()), only, by_hand)
    # A reader of the archive has no business in its folder for temporary files.
    with TemporaryDirectory(prefix="mailvault-") as folder:
        return operation(
            archive,
            [
                sync_account(account, Path(folder), _spent(standings.get(account.name)))
                for account in accounts
            ],
            options,
            progress,
        )


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


def import_source(archive: "Archive", path: Path, name: str, form: ImportForm) -> "Import":
    """Give import what it needs of a path. Nothing is opened yet."""
    import tempfile

    from mailvault.mail.findings import FILES
    from mailvault.mail.globs import MailboxGlobs
    from mailvault.operations.account_sync import SyncAccount
    from mailvault.operations.import_files import Import
    from mailvault.sources.files import FileSource
    from mailvault.sources.trees import open_tree

    path = path.resolve()  # debts are known by the paths of their files
    if path.is_relative_to(archive.path.resolve()):
        raise UsageError(f"{path} lies inside the archive", hint="import from outside it")
    # A reader of the archive has no business in its folder for temporary files.
    spool_folder = Path(tempfile.gettempdir()) if form.is_dry_run else archive.tmp
    source = FileSource(
        partial(open_tree, path, spool_folder),
        spool_folder=spool_folder,
        file_format=form.file_format,
        keeps_line_ends=form.keeps_line_ends,
        owing={debt.mailbox for debt in archive.catalog.debts(name)},
    )
    account = SyncAccount(name, FILES, lambda: source, MailboxGlobs(["*"]), only_adds=True)
    return Import(account, source.findings)


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


@dataclass(frozen=True, slots=True)
class ExportForm:
    """What an export shall look like; a layout of None is the format's usual one."""

    format: str
    layout: str | None = None
    has_status: bool = False
    is_zip: bool = False


def open_destination(form: ExportForm, path: Path, archive: "Archive") -> "Destination":
    """Choose what writes mail to files. It must not write into the archive."""
    layouts = _LAYOUTS.get(form.format)
    if layouts is None:
        raise UsageError(
            f"there is no format {form.format!r}" if form.format else "--format is missing",
            hint="choose --format maildir, mbox or eml",
        )
    if form.layout is not None and form.layout not in layouts:
        named = " or ".join(layouts)
        raise UsageError(
            f"--format {form.format} has no layout {form.layout!r}",
            hint=f"choose --layout {named}" if layouts else "leave out --layout",
        )
    if form.has_status and form.format != "mbox":
        raise UsageError(
            f"--status is for mbox files, and not for {form.format}", hint="leave it out"
        )
    return (_zipped if form.is_zip else _destination)(form, path, archive.path)


_LAYOUTS: dict[str, tuple[str, ...]] = {
    "maildir": ("maildir++", "fs"),
    "mbox": ("nested", "thunderbird"),
    "eml": (),
}


def _destination(form: ExportForm, path: Path, outside: Path) -> "Destination":
    from mailvault.destinations.eml import EmlDestination
    from mailvault.destinations.maildir import Layout, MaildirDestination
    from mailvault.destinations.mbox import MboxDestination, MboxLayout

    match form.format:
        case "maildir":
            layout = Layout(form.layout or Layout.MAILDIR_PLUS_PLUS)
            return MaildirDestination(path, layout=layout, outside=outside)
        case "mbox":
            mbox = MboxLayout(form.layout or MboxLayout.NESTED)
            return MboxDestination(
                path, layout=mbox, has_status=form.has_status, outside=outside
            )
        case _:
            return EmlDestination(path, outside=outside)


def _zipped(form: ExportForm, path: Path, outside: Path) -> "Destination":
    from mailvault.destinations import zip_formats
    from mailvault.destinations.maildir import Layout
    from mailvault.destinations.mbox import MboxLayout
    from mailvault.destinations.zipped import ZipDestination
    from mailvault.destinations.zipped_mbox import ZippedMboxDestination

    match form.format:
        case "maildir":
            layout = Layout(form.layout or Layout.MAILDIR_PLUS_PLUS)
            return ZipDestination(path, zip_formats.maildir(layout), outside=outside)
        case "mbox":
            mbox = MboxLayout(form.layout or MboxLayout.NESTED)
            return ZippedMboxDestination(
                path, layout=mbox, has_status=form.has_status, outside=outside
            )
        case _:
            return ZipDestination(path, zip_formats.eml(), outside=outside)


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
    return _allowance(account, _spent(archive.standings.of(account.name)), None)


def note_upload(
    configuration: Configuration, account: AccountSettings, allowance: "Allowance | None"
) -> None:
    """Remember what an account has had today. Whoever holds the archive's lock goes first."""
    if allowance is None or account.daily_limit is None:
        return
    day, octets = allowance.spent()
    try:
        with open_archive(configuration, writing=True, wait=NOTE_SECONDS) as archive:
            standing = archive.standings.of(account.name)
            archive.standings.keep(account.name, replace(standing, day=day, octets=octets))
    except ArchiveLocked as error:
        log.warning("%s: what was sent today is not remembered: %s", account.name, error)


def rejects_folder(path: Path, archive: "Archive") -> "Destination":
    """What writes the messages that a target refuses."""
    from mailvault.destinations.eml import EmlDestination

    return EmlDestination(path, outside=archive.path)


def copy(
    configuration: Configuration, target: Path, *, is_verified: bool, progress: "Progress"
) -> "CopyReport":
    """Bring a copy of the configured archive level."""
    from mailvault.operations.copy import copy as operation

    return operation(
        configuration.archive.path,
        target,
        is_verified=is_verified,
        clock=SystemClock(),
        progress=progress,
    )


def convert(
    configuration: Configuration, target: Path, store: str, *, progress: "Progress"
) -> "ConvertReport":
    """Make an archive with another store of the configured one."""
    from mailvault.operations.convert import convert as operation

    return operation(
        configuration.archive.path, target, store, clock=SystemClock(), progress=progress
    )


def rebuild(configuration: Configuration, *, progress: "Progress") -> "RebuildReport":
    """Make the catalog of the configured archive anew."""
    from mailvault.operations.rebuild import rebuild as operation

    return operation(configuration.archive.path, SystemClock(), progress)


def plan_repair(configuration: Configuration, *, progress: "Progress") -> "RepairPlan":
    """Say what is broken in the configured archive."""
    from mailvault.operations.repair import plan_repair as operation

    return operation(configuration.archive.path, SystemClock(), progress)


def repair(
    configuration: Configuration, *, drop_orphans: bool, progress: "Progress"
) -> "RepairReport":
    """Heal the configured archive; any of its accounts may still have what is lost."""
    from mailvault.operations.repair import RepairAccount
    from mailvault.operations.repair import repair as operation

    accounts = [
        RepairAccount(each.name, each.protocol, partial(source_factory, each))
        for each in configuration.accounts.values()
    ]
    return operation(
        configuration.archive.path,
        SystemClock(),
        accounts,
        drop_orphans=drop_orphans,
        progress=progress,
    )


def drill(
    archive: "Archive",
    scratch: Path | None,
    percent: float,
    *,
    account: str | None,
    progress: "Progress",
) -> "DrillReport":
    """Restore a sample to a folder that is gone afterwards."""
    from tempfile import TemporaryDirectory

    from mailvault.destinations.maildir import MaildirDestination
    from mailvault.operations.drill import drill as operation

    with TemporaryDirectory(prefix="mailvault-drill-", dir=scratch) as folder:
        return operation(
            archive,
            partial(MaildirDestination, outside=archive.path),
            Path(folder),
            percent=percent,
            account=account,
            progress=progress,
        )
