"""Which of the archive's messages are meant: by account, mailbox, time and run."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import MailboxView, PlacementView
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import RunNumber


@dataclass(frozen=True, slots=True)
class Selection:
    """All that a person said about what is wanted; what is None leaves nothing out.

    ``gone`` means what the server expunged, instead of what is there. ``since`` counts in,
    ``before`` does not, as in IMAP's SEARCH. ``brought_by`` is the run that first saw it.
    """

    account: str | None = None
    globs: MailboxGlobs | None = None
    at: RunNumber | None = None
    gone: bool = False
    since: datetime | None = None
    before: datetime | None = None
    brought_by: RunNumber | None = None

    @property
    def is_partial(self) -> bool:
        """Whether messages are chosen, and not mailboxes as a whole."""
        return self.gone or any((self.since, self.before, self.brought_by))

    def mailboxes(self, archive: Archive) -> list[MailboxView]:
        """The mailboxes of that time; those that are gone as well where ``gone`` is asked."""
        views = archive.catalog.mailboxes(self.account, self.at, include_gone=self.gone)
        return [view for view in views if self.globs is None or self.globs.matches(view.name)]

    def placements(
        self, archive: Archive, mailbox_ids: set[int] | None = None
    ) -> Iterator[PlacementView]:
        """The messages, mailbox by mailbox, of these mailboxes or of all that are meant."""
        if mailbox_ids is None:
            mailbox_ids = {view.mailbox_id for view in self.mailboxes(archive)}
        began = _beginning(archive, self.brought_by)
        views = archive.catalog.placements(
            account=self.account, mailbox_ids=mailbox_ids, at=self.at, gone=self.gone
        )
        return (
            view
            for view in views
            if self._is_in_time(view) and (began is None or view.first_seen == began)
        )

    def _is_in_time(self, view: PlacementView) -> bool:
        # Over POP3 nothing says when a message arrived; the next best is asked.
        arrived = view.internal_date or view.date or view.first_seen
        if self.since is not None and arrived < self.since:
            return False
        return self.before is None or arrived < self.before


def _beginning(archive: Archive, run: RunNumber | None) -> datetime | None:
    """When a run began, by which placements name it."""
    if run is None:
        return None
    times = (each.started_at for each in archive.catalog.run_times() if each.run == run)
    return next(times, datetime.min.replace(tzinfo=UTC))
