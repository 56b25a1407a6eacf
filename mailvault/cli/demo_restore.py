"""A restore to a second server, which is then compared with what the first one served."""

import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from mailvault import wiring
from mailvault.config.load import load
from mailvault.config.model import Configuration
from mailvault.demo.mailbox import ServedAccount, ServedPlacement
from mailvault.demo.sample import PASSWORD, USER
from mailvault.demo.server import DemoServer
from mailvault.operations.reports import Silent
from mailvault.operations.restore import restore
from mailvault.operations.restore_report import RestoreOptions

ACCOUNT = "second"

_SECOND_ACCOUNT = """
[accounts.second]
protocol = "imap"
host = "{host}"
port = {port}
tls = "none"
user = "{user}"
password = "{password}"
"""


@dataclass(frozen=True, slots=True)
class RestoreCheck:
    """What the second server holds after a restore, and after the same once more."""

    mailboxes: int
    messages: int
    appended_again: int
    seconds: float
    is_equal: bool


def check_restore(
    configuration: Configuration, served: Iterable[ServedPlacement]
) -> RestoreCheck:
    """Restore all mail to an empty mailbox of a second server, twice, and look at it there."""
    second = ServedAccount(USER, PASSWORD)
    second.create("INBOX")
    with DemoServer(second, is_writable=True) as server:
        extended = _with_second(configuration, server)
        started = perf_counter()
        appended = _restore(extended)
        seconds = perf_counter() - started
        again = _restore(extended)
    found = second.placements()
    is_equal = Counter(map(_essence, found)) == Counter(map(_essence, served))
    return RestoreCheck(
        mailboxes=len(second.mailboxes()),
        messages=appended,
        appended_again=again,
        seconds=round(seconds, 3),
        is_equal=is_equal and not again,
    )


def _with_second(configuration: Configuration, server: DemoServer) -> Configuration:
    path = configuration.path
    account = _SECOND_ACCOUNT.format(
        host=server.host, port=server.port, user=USER, password=PASSWORD
    )
    with path.open("a", encoding="utf-8") as file:
        file.write(account)
    return load(path)


def _restore(configuration: Configuration) -> int:
    target = configuration.accounts[ACCOUNT]
    options = RestoreOptions(
        clock=wiring.SystemClock(), target_account=ACCOUNT, connections=target.connections
    )
    with (
        tempfile.TemporaryDirectory(prefix="mailvault-") as folder,
        wiring.open_archive(configuration, writing=False) as archive,
    ):
        open_target = wiring.target_factory(target, Path(folder))
        report = restore(archive, "demo", open_target, options, Silent())
    return sum(each.appended for each in report.mailboxes)


def _essence(placement: ServedPlacement) -> ServedPlacement:
    """What stays when a message changes servers: all but its numbers."""
    return replace(placement, uid=0, uidvalidity=0)
