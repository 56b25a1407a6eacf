"""What is done with the servers of configured accounts."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mailvault.config.model import AccountSettings, Configuration
from mailvault.errors import ArchiveError, ArchiveLocked, ArchiveMissing

if TYPE_CHECKING:
    from mailvault.archive.archive import Archive
    from mailvault.mail.globs import MailboxGlobs
    from mailvault.mail.model import Mailbox
    from mailvault.operations.check import CheckReport
    from mailvault.operations.remote_report import RemoteReport
    from mailvault.operations.reports import Progress, SyncReport
    from mailvault.operations.slots import Line
    from mailvault.transport.allowance import Allowance
    from mailvault.transport.autoconfig import Discovered
from mailvault.wiring.accounts import (
    connector,
    pop3_connector,
    refuse_unsupported,
    source_factory,
    spent_octets,
    sync_account,
)
from mailvault.wiring.archives import open_archive

log = logging.getLogger(__name__)


NOTE_SECONDS = 5.0
"""How long a small note waits for the archive's lock."""


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
                sync_account(account, archive.tmp, spent_octets(standings.get(account.name)))
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
        sync_account(each, archive.tmp, spent_octets(standings.get(each.name)), Slot(line))
        for each in accounts
    ]
    return operation(
        archive,
        refusing_imported(archive, wanted),
        line,
        at_once=at_once,
        progress=progress,
    )


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
                sync_account(account, Path(folder), spent_octets(standings.get(account.name)))
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
        sync_account(account, None, spent_octets(standings.get(account.name)))
        for account in accounts
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
    except ArchiveError as error:  # another holds the lock, or nobody may write there
        log.warning("%s: what was sent today is not remembered: %s", account.name, error)
