"""Putting back what one target mailbox lacks; may be begun again after any interruption."""

import contextlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import PlacementView
from mailvault.archive.restores import MailboxJournal, RestoreJournal, Sent, digests
from mailvault.errors import ArchiveDamaged, MessageMissing
from mailvault.mail import mending
from mailvault.mail.delivery import OpenMailbox
from mailvault.mail.model import Digest, Flags, Octets, Uid, octet_count
from mailvault.operations.restore_check import Appended, Sample, read_back
from mailvault.operations.restore_ledger import Ledger
from mailvault.operations.restore_plan import Task
from mailvault.operations.restore_presence import (
    LARGEST_COMPARED,
    Known,
    Presence,
    arrival,
    taken_away,
    whole,
)
from mailvault.operations.restore_report import RestoreOptions
from mailvault.operations.restore_sending import Entry, MailboxReplaced, Room, Sender
from mailvault.operations.selection import Selection
from mailvault.ports import RemoteDestination

log = logging.getLogger(__name__)

YOUNG = 120.0
"""Seconds after which no server still works on what a lost connection had sent."""

QUIET, LOOK = 3.0, 0.5
"""Seconds that nothing may arrive in a mailbox to be sure of that; and between looks."""


@dataclass(frozen=True, slots=True)
class Job:
    """What all mailboxes of one restore share."""

    archive: Archive
    selection: Selection
    options: RestoreOptions
    journal: RestoreJournal
    ledger: Ledger
    room: Room


class MailboxRestore:
    """One task. `run` is repeated, with a new connection, until it ends without an error."""

    def __init__(self, job: Job, task: Task) -> None:
        self.has_progressed = False
        self._is_cut_short = False
        self._job = job
        self._task = task
        self._path = task.place.path or ""
        self._dealt_with = 0  # placements, counted from the first
        self._unsure: dict[int, Entry] = {}
        self._strikes: Counter[int] = Counter()
        self._refused: set[int] = set()
        self._sample = Sample(job.options.read_back)

    def run(self, destination: RemoteDestination) -> None:
        """Append what is missing.

        Raises:
            ConnectionLost, ServerBusy: to be run again; what is done is remembered.
            AccountSuspended: the target may be sent no more today.
        """
        self.has_progressed = False
        self._strikes.update(self._unsure.keys())
        while True:
            state = destination.open(self._path)
            journal = self._job.journal.mailbox(self._path, state.uidvalidity)
            with contextlib.closing(journal):
                try:
                    self._run(destination, state, journal)
                except MailboxReplaced:
                    log.info("%s was made again", self._task.place.name)
                    self._dealt_with = 0
                else:
                    return

    def _run(
        self, destination: RemoteDestination, state: OpenMailbox, journal: MailboxJournal
    ) -> None:
        known = Known(journal, self._by_archive(state.uidvalidity))
        presence = Presence(self._job.archive, destination, known)
        if state.messages or journal.open:
            self._wait_for_quiet(destination, journal)
            presence.look(self._wanted)
        if self._job.options.once:
            presence.found.update(taken_away(journal, destination.uids()))
        if self._job.options.dry_run:
            self._foretell(state, presence)
            return
        sender = Sender(
            self._job.archive,
            destination,
            self._path,
            state,
            journal,
            fates=self,
            options=self._job.options,
            room=self._job.room,
        )
        doubtful = dict(journal.open)
        late: list[Entry] = []
        held = Counter(digests(doubtful.values()))
        for _ in sender.send(self._allowed(self._missing(presence.found, held, late))):
            self._check(destination, is_last=False)
        if doubtful:
            turned_up = presence.look_again(doubtful.values())
            for number in doubtful.keys() & journal.open.keys():
                journal.settle(number, [None] * len(journal.open[number].messages))
            for _ in sender.send(self._allowed(self._missing_of(late, turned_up))):
                self._check(destination, is_last=False)
        if journal.open:  # the server does not tell UIDs
            presence.look_again(journal.open.values())
        self._check(destination, is_last=True)
        if self._is_cut_short and self._job.options.allowance is not None:
            self._job.options.allowance.check()

    def _allowed(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        """As many as may be sent today: what is beyond that is for another day."""
        allowance = self._job.options.allowance
        for entry in entries:
            if allowance is not None:
                if allowance.is_spent:
                    self._is_cut_short = True
                    return
                allowance.count(entry.view.size)
            yield entry

    def _by_archive(self, uidvalidity: int) -> Mapping[Uid, Sent]:
        """What syncs know of the very same mailbox, if the target is an account of ours."""
        account = self._job.options.target_account
        if account is None:
            return {}
        catalog = self._job.archive.catalog
        ids = {
            view.mailbox_id
            for view in catalog.mailboxes(account)
            if view.name == self._task.place.name and view.uidvalidity == uidvalidity
        }
        if not ids:
            return {}
        return {
            view.uid: Sent(view.digest, view.size, view.internal_date)
            for view in catalog.placements(account=account, mailbox_ids=ids)
            if view.uidvalidity == uidvalidity
        }

    def _wait_for_quiet(self, destination: RemoteDestination, journal: MailboxJournal) -> None:
        """Wait until the server has stored what a connection that broke had still sent it."""
        clock = self._job.options.clock
        ages = [(clock.now() - a.at).total_seconds() for a in journal.open.values()]
        if not ages or not 0 <= min(ages) < YOUNG:
            return
        seen, since = destination.uids(), clock.monotonic()
        while clock.monotonic() - since < QUIET:
            clock.sleep(LOOK)
            if (now := destination.uids()) != seen:
                seen, since = now, clock.monotonic()

    def _wanted(self) -> Iterator[PlacementView]:
        return self._job.selection.placements(self._job.archive, self._task.move.mailbox_ids)

    def _missing(
        self, found: Counter[Digest], held: Counter[Digest], late: list[Entry]
    ) -> Iterator[Entry]:
        """What is wanted and not there. What may still turn up is put off until late."""
        self._let_stay(found)
        for place, view in enumerate(self._wanted()):
            entry = Entry(place, view)
            if place in self._refused:
                continue
            if found[view.digest] > 0:
                found[view.digest] -= 1
                self._is_there(entry)
            elif held[view.digest] > 0:
                held[view.digest] -= 1
                late.append(entry)
            else:
                yield entry
            self._dealt_with = max(self._dealt_with, place + 1)

    def _missing_of(self, late: list[Entry], found: Counter[Digest]) -> Iterator[Entry]:
        for entry in late:
            if found[entry.view.digest] > 0:
                found[entry.view.digest] -= 1
                self._unsure.setdefault(entry.place, entry)
                self._is_there(entry)
            else:
                yield entry

    def _let_stay(self, found: Counter[Digest]) -> None:
        """Twins of wanted messages that are in their own right where we restore to."""
        selection = self._job.selection
        if not selection.is_partial or self._job.options.target_account != selection.account:
            return
        chosen = {(view.uidvalidity, view.uid) for view in self._wanted()}
        everything = self._job.archive.catalog.placements(
            account=selection.account,
            mailbox_ids=self._task.move.mailbox_ids,
            at=selection.at,
        )
        for view in everything:
            if (view.uidvalidity, view.uid) not in chosen and found[view.digest] > 0:
                found[view.digest] -= 1

    def _is_there(self, entry: Entry) -> None:
        if self._unsure.pop(entry.place, None) is not None:
            self._job.ledger.appended(entry.view)
            self._cut(entry, None)
        elif entry.place >= self._dealt_with:
            self._job.ledger.present(entry.view)

    # What the sender tells

    def sending(self, entry: Entry) -> None:
        self._unsure[entry.place] = entry

    def stored(self, entry: Entry, uid: Uid | None, flags: Flags) -> None:
        self.has_progressed = True
        self._unsure.pop(entry.place, None)
        self._job.ledger.appended(entry.view)
        self._cut(entry, flags)
        if uid is not None:
            view = entry.view
            self._sample.add(Appended(uid, view.digest, view.mailbox, flags, arrival(view)))

    def refused(
        self, entry: Entry, reason: str, octets: Octets | None, *, is_damage: bool = False
    ) -> None:
        self.has_progressed = True
        self._unsure.pop(entry.place, None)
        self._refused.add(entry.place)
        self._job.ledger.refused(entry.view, reason, octets, is_damage=is_damage)

    def changed(self, entry: Entry, how: str) -> None:
        self._job.ledger.altered(
            entry.view.digest, entry.view.mailbox, f"changed by --fix: {how}", is_known=True
        )

    def strikes(self, entry: Entry) -> int:
        return self._strikes[entry.place]

    def _cut(self, entry: Entry, flags: Flags | None) -> None:
        if flags is not None:
            self._job.ledger.cut(entry.view, entry.view.flags - flags)

    def _check(self, destination: RemoteDestination, *, is_last: bool) -> None:
        read_back(
            self._job.archive,
            destination,
            self._sample.take(is_last=is_last),
            self._job.ledger,
        )

    def _foretell(self, state: OpenMailbox, presence: Presence) -> None:
        foretell(self._job, self._missing(presence.found, Counter(), []), state)


def foretell(job: Job, missing: Iterator[Entry], state: OpenMailbox) -> None:
    """Say what would be appended, and every objection that can be foreseen."""
    job.room.see(state.room)
    for entry in missing:
        view = entry.view
        if state.largest is not None and view.size > state.largest:
            reason = f"{view.size} octets are more than the server takes: {state.largest}"
            job.ledger.refused(view, reason, None)
            continue
        try:
            octets = job.archive.content.get(view.digest)
        except (ArchiveDamaged, MessageMissing) as error:
            job.ledger.refused(view, str(error), None, is_damage=True)
            continue
        if octet_count(octets) <= LARGEST_COMPARED:
            for fault in mending.faults(whole(octets)):
                job.ledger.fault(fault.value)
        job.ledger.cut(view, view.flags - state.kept(view.flags))
        job.ledger.appended(view)
        job.room.need(view.size)
