"""Put mail back on a server: whole, once, and nothing else there is touched."""

from collections.abc import Sequence
from dataclasses import replace

from mailvault.archive.archive import Archive
from mailvault.archive.restores import RestoreJournal
from mailvault.operations.reports import Progress
from mailvault.operations.restore_crew import Crew, Line, OpenDestination
from mailvault.operations.restore_ledger import Ledger
from mailvault.operations.restore_mailbox import Job
from mailvault.operations.restore_plan import Move, Task, moves
from mailvault.operations.restore_report import RestoreOptions, RestoreReport
from mailvault.operations.restore_sending import Room
from mailvault.operations.selection import Selection
from mailvault.ports import RemoteDestination


def restore(
    archive: Archive,
    account: str,
    open_destination: OpenDestination,
    options: RestoreOptions,
    progress: Progress,
) -> RestoreReport:
    """Append to the target what the archive holds of ``account`` and the target does not.

    ``open_destination`` makes one connection after another. Repeating it adds nothing.
    What goes wrong with a message or a mailbox stands in the report.

    Raises:
        SourceError: the target cannot be reached, or does not accept the login.
        ArchiveLocked: another restore to the same target is under way.
    """
    selection = _settled(archive, replace(options.selection, account=account))
    ledger = Ledger(account, progress, options.rejects)
    with Line(open_destination, options.clock) as line:
        line.renew()
        opening = RestoreJournal.peek if options.dry_run else RestoreJournal.open
        with opening(archive.path, line.destination.identity) as journal:
            job = Job(archive, selection, options, journal, ledger, Room())
            tasks = _placed(job, line.destination, _wanted(job, progress))
            error = Crew(job, tasks, open_destination).run(line)
    if (objection := job.room.objection()) is not None:
        ledger.note(objection)
    return ledger.report(tasks, is_dry_run=options.dry_run, error=error)


def _settled(archive: Archive, selection: Selection) -> Selection:
    """As of the last run, so that a sync meanwhile does not move the ground."""
    if selection.at is not None or selection.gone:
        return selection
    return replace(selection, at=archive.catalog.last_run())


def _wanted(job: Job, progress: Progress) -> list[Move]:
    """The mailboxes, without those that only lead to others, or of which nothing is chosen."""
    views = job.selection.mailboxes(job.archive)
    if job.selection.is_partial:
        counts: dict[int, int] = {}
        for view in views:
            number = sum(1 for _ in job.selection.placements(job.archive, {view.mailbox_id}))
            counts[view.mailbox_id] = number
        views = [view for view in views if counts[view.mailbox_id]]
        progress.expect(sum(counts.values()))
    else:
        views = [view for view in views if view.messages or view.is_selectable]
        progress.expect(sum(view.messages for view in views))
    is_same = job.options.target_account == job.selection.account
    return moves(views, job.options.mapping, is_same_account=is_same)


def _placed(job: Job, destination: RemoteDestination, wanted: Sequence[Move]) -> list[Task]:
    """Find or make the target mailboxes, and remember which they are."""
    account = job.selection.account or ""
    asked = [
        replace(move.wanted, remembered=job.journal.place(account, move.wanted.name))
        for move in wanted
    ]
    places = destination.assign(asked, making=not job.options.dry_run)
    for move, place in zip(wanted, places, strict=True):
        if place.note:
            job.ledger.note(place.note)
        if place.path is not None:
            job.journal.note_place(account, move.wanted.name, place.path)
    return [Task(move, place) for move, place in zip(wanted, places, strict=True)]
