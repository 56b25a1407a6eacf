"""Accept: a person says that what was suspected was meant. Shown first, then believed."""

from collections.abc import Sequence
from dataclasses import dataclass

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import SuspicionView
from mailvault.errors import UsageError
from mailvault.mail.changes import Accepted
from mailvault.operations.reports import INCOMPLETE


@dataclass(frozen=True, slots=True)
class Suspicions:
    """What is suspected of an account and not accepted, oldest first.

    Since the first of them the server lost ``gone`` messages of ``octets``, which lie in no
    mailbox of the account any more. The archive has them.
    """

    account: str
    suspicions: tuple[SuspicionView, ...]
    gone: int
    octets: int


@dataclass(frozen=True, slots=True)
class AcceptReport:
    shown: Suspicions
    is_accepted: bool

    @property
    def exit_code(self) -> int:
        return INCOMPLETE if self.shown.suspicions and not self.is_accepted else 0


def suspected(archive: Archive, account: str) -> Suspicions:
    """Gather what accepting would mean. Changes nothing."""
    suspicions = archive.catalog.suspicions(account)
    if not suspicions:
        return Suspicions(account, (), 0, 0)
    gone, octets = archive.catalog.gone_since(account, min(each.run for each in suspicions))
    return Suspicions(account, tuple(suspicions), gone, octets)


def accept(archive: Archive, shown: Suspicions) -> AcceptReport:
    """Write down that what was ``shown`` was meant.

    Raises:
        UsageError: more was suspected since then, which nobody has seen.
    """
    _refuse_news(shown, archive.catalog.suspicions(shown.account))
    (account,) = [each for each in archive.catalog.accounts() if each.name == shown.account]
    archive.tell([Accepted(account.account_id)])
    return AcceptReport(shown, is_accepted=True)


def _refuse_news(shown: Suspicions, present: Sequence[SuspicionView]) -> None:
    if tuple(present) != shown.suspicions:
        raise UsageError(
            f"{shown.account}: other things are suspected now than were shown",
            hint=f"look again: mailvault accept {shown.account}",
        )
