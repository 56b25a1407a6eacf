"""Mailboxes that are numbered or named anew are recognised, and not downloaded again."""

from mailvault.archive.archive import Archive
from mailvault.demo.mailbox import ServedAccount, ServedMailbox
from tests.servers.bent import (
    is_body_fetch,
)
from tests.unit.sources.imap_syncs import NOON, SyncOnce, archived, octets_of, served_now


def renumber(inbox: ServedMailbox, uidvalidity: int) -> None:
    """What a server does that lost its index: the same mail under new UIDs."""
    messages = list(inbox.messages.values())
    inbox.messages.clear()
    inbox.uidvalidity = uidvalidity
    inbox.uidnext = 100
    for message in messages:
        inbox.append(message.octets, flags=message.flags, internal_date=message.internal_date)


def test_a_new_uidvalidity_downloads_nothing_it_can_recognise(
    sync_once: SyncOnce, archive: Archive, inbox: ServedMailbox
) -> None:
    sync_once()
    renumber(inbox, inbox.uidvalidity + 1)

    report = sync_once()

    assert report.exit_code == 0
    assert archived(archive) == served_now(inbox)
    assert not any(is_body_fetch(c) for c in sync_once.commands)
    assert list(archive.catalog.placements(account="a", gone=True)) == []


def test_without_a_uidvalidity_messages_are_recognised_each_time(
    sync_once: SyncOnce, archive: Archive, inbox: ServedMailbox
) -> None:
    inbox.uidvalidity = 0
    sync_once()
    messages = list(inbox.messages.values())
    inbox.messages.clear()
    inbox.uidnext = 1
    for message in reversed(messages):
        inbox.append(message.octets, flags=[], internal_date=message.internal_date)

    sync_once()

    assert archived(archive) == served_now(inbox)
    assert not any(is_body_fetch(c) for c in sync_once.commands)


def test_a_renamed_mailbox_is_known_again_and_not_downloaded(
    sync_once: SyncOnce, archive: Archive, served: ServedAccount
) -> None:
    work = served.create("Work")
    for number in range(50, 60):
        work.append(octets_of(number), flags=[], internal_date=NOON)
    sync_once()
    served.rename("Work", "Former work")

    report = sync_once()

    assert report.exit_code == 0
    assert not any(is_body_fetch(c) for c in sync_once.commands)
    names = {str(view.name): view.messages for view in archive.catalog.mailboxes("a")}
    assert names == {"INBOX": 20, "Former work": 10}


def test_another_mailbox_with_the_same_uidvalidity_is_not_taken_for_a_renamed_one(
    sync_once: SyncOnce, archive: Archive, served: ServedAccount
) -> None:
    work = served.create("Work")
    work.append(octets_of(50), flags=[], internal_date=NOON)
    sync_once()
    other = served.create("Other")
    other.append(octets_of(51), flags=[], internal_date=NOON)
    other.uidvalidity = work.uidvalidity
    served.delete("Work")

    sync_once()

    digests = {
        view.digest
        for view in archive.catalog.placements(account="a")
        if view.mailbox == other.name
    }
    assert [archive.content.get(digest) for digest in digests] == [octets_of(51)]


def test_a_deleted_and_returned_mailbox_is_not_downloaded_again(
    sync_once: SyncOnce, archive: Archive, served: ServedAccount
) -> None:
    work = served.create("Work")
    for number in range(50, 60):
        work.append(octets_of(number), flags=[], internal_date=NOON)
    sync_once()
    served.rename("Work", "Hidden")
    work.is_selectable = False
    work.messages, kept = {}, work.messages
    sync_once()
    work.is_selectable, work.messages = True, kept
    served.rename("Hidden", "Work")

    sync_once()

    assert not any(is_body_fetch(c) for c in sync_once.commands)
    names = {str(view.name): view.messages for view in archive.catalog.mailboxes("a")}
    assert names["Work"] == 10
