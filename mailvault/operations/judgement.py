"""Judges what a run took from an account, with the numbers that the catalog gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.catalog.views import MailboxView
from mailvault.mail.model import Mailbox, RunNumber
from mailvault.operations.guards import (
    REPLACED_FEWEST,
    Toll,
    is_swept,
    suspicious_deletion,
    suspicious_loss,
    suspicious_total,
)
from mailvault.operations.plan import Archived


@dataclass(frozen=True, slots=True)
class Walked:
    """A mailbox that a run looked into, and how many messages we had deleted there."""

    mailbox_id: int
    mailbox: Mailbox
    expunged: int
    deleted: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is suspicious of the account as a whole, and of mailboxes by their number."""

    of_account: str | None
    of_mailboxes: Mapping[int, str]

    @property
    def is_suspicious(self) -> bool:
        return bool(self.of_account or self.of_mailboxes)


NOTHING = Judgement(None, {})


def judge(
    catalog: Catalog,
    account: str,
    run: RunNumber,
    archived: Mapping[int, Archived],
    walked: Sequence[Walked],
) -> Judgement:
    """Judge everything that ``run`` has stored so far. What we deleted ourselves is no loss.

    ``archived`` is what the archive held of the account before. Runs that were killed were
    not judged: what they took is judged now.
    """
    views = {view.mailbox_id: view for view in catalog.mailboxes(account)}
    since = catalog.first_unjudged(account)
    earlier = catalog.lost(account, since, before=run) if since < run else {}
    has_expunged = bool(earlier) or any(each.expunged for each in walked)
    if not has_expunged and not _has_shrunk(archived, views):
        return NOTHING
    before = {
        number: each.messages + earlier.get(number, 0) for number, each in archived.items()
    }
    after = {number: view.messages for number, view in views.items()}
    lost = catalog.lost(account, since)
    is_much = any(count > REPLACED_FEWEST for count in lost.values())
    replaced = catalog.replaced(account, since) if is_much else {}
    counts = _Counts(before, after, lost, replaced)
    tolls = {each.mailbox_id: _toll(each, counts) for each in walked}
    reasons = {number: suspicious_loss(toll) for number, toll in tolls.items()}
    of_mailboxes = {number: reason for number, reason in reasons.items() if reason}
    gone = [count for number, count in lost.items() if number not in tolls]
    total = sum(before.values())
    of_account = suspicious_deletion(len(gone), sum(gone), total)
    if of_account is None and not of_mailboxes:
        of_account = suspicious_total(list(tolls.values()), sum(gone), total)
    return Judgement(of_account, of_mailboxes)


class _Counts(NamedTuple):
    """Messages by the number of their mailbox."""

    before: Mapping[int, int]
    after: Mapping[int, int]
    lost: Mapping[int, int]
    replaced: Mapping[int, int]


def _toll(walked: Walked, counts: _Counts) -> Toll:
    number = walked.mailbox_id
    return Toll(
        before=max(0, counts.before.get(number, 0) - walked.deleted),
        after=counts.after.get(number, 0),
        lost=counts.lost.get(number, 0),
        replaced=counts.replaced.get(number, 0),
        is_swept=is_swept(walked.mailbox.name, walked.mailbox.special_use),
    )


def _has_shrunk(archived: Mapping[int, Archived], views: Mapping[int, MailboxView]) -> bool:
    """Whether anything may be lost: asking the catalog what exactly takes a while.

    A mailbox numbered anew may hold as many messages as before, and none of them.
    """
    return any(
        each.messages
        and (
            number not in views
            or views[number].messages < each.messages
            or views[number].uidvalidity != each.uidvalidity
        )
        for number, each in archived.items()
    )
