"""A server restored from a backup gives UIDs a second time: nothing it has then is missed."""

import re

import pytest

from mailvault.archive.archive import Archive
from mailvault.demo.mailbox import ServedMailbox
from mailvault.demo.session import EXTENSIONS
from mailvault.mail.model import Digest, Uid
from tests.unit.sources.imap_syncs import (
    BARE,
    CONDSTORE_ONLY,
    NOON,
    SyncOnce,
    archived,
    octets_of,
    served_now,
)

every_server = pytest.mark.parametrize(
    "extensions", [EXTENSIONS, CONDSTORE_ONLY, BARE], ids=["QRESYNC", "CONDSTORE", "neither"]
)


def set_back(inbox: ServedMailbox, uidnext: int) -> None:
    """Restore the server from a backup that was made when its next UID was this one."""
    for uid in [uid for uid in inbox.messages if uid >= uidnext]:
        del inbox.messages[uid]
    inbox.uidnext = uidnext
    inbox.highestmodseq = uidnext
    inbox.expunged.clear()


def add(inbox: ServedMailbox, *numbers: int) -> None:
    for number in numbers:
        inbox.append(octets_of(number), flags=[], internal_date=NOON)


def digests(archive: Archive) -> dict[int, Digest]:
    return {int(view.uid): view.digest for view in archive.catalog.placements(account="a")}


def digests_served(inbox: ServedMailbox) -> dict[int, Digest]:
    return {int(uid): Digest.of(each.octets) for uid, each in inbox.messages.items()}


@every_server
def test_a_message_under_the_uid_of_one_that_went_is_fetched(
    sync_once: SyncOnce, archive: Archive, inbox: ServedMailbox, extensions: tuple[bytes, ...]
) -> None:
    sync_once(extensions=extensions)
    set_back(inbox, 16)
    lost = sync_once(extensions=extensions)
    add(inbox, 101, 102)

    sync_once(extensions=extensions)

    assert "UIDNEXT went back from 21 to 16" in str(lost.mailboxes[0].suspicion)
    assert digests(archive) == digests_served(inbox)


@every_server
@pytest.mark.parametrize("more", [2, 5, 9], ids=["fewer", "as many", "more"])
def test_messages_under_the_uids_of_others_are_fetched(
    sync_once: SyncOnce,
    archive: Archive,
    inbox: ServedMailbox,
    extensions: tuple[bytes, ...],
    more: int,
) -> None:
    sync_once(extensions=extensions)
    before = digests(archive)
    set_back(inbox, 16)
    add(inbox, *range(101, 101 + more))
    inbox.highestmodseq = 18

    report = sync_once(extensions=extensions)

    assert report.exit_code == 3
    assert "went back from 21 to" in str(report.mailboxes[0].suspicion)
    assert digests(archive) == digests_served(inbox)
    gone = {view.digest for view in archive.catalog.placements(account="a", gone=True)}
    assert gone == set(before.values()) - set(digests(archive).values())
    assert report.mailboxes[0].expunged == 5
    assert report.mailboxes[0].arrived == more
    again = sync_once(accept_empty=True, extensions=extensions)
    assert (again.exit_code, again.mailboxes[0].arrived) == (0, 0)


def test_flags_changed_after_a_lost_index_are_noticed(
    sync_once: SyncOnce, archive: Archive, inbox: ServedMailbox
) -> None:
    sync_once()
    inbox.highestmodseq = 1
    inbox.set_flags(Uid(3), ["\\Flagged"])

    report = sync_once()

    assert report.exit_code == 0
    assert report.mailboxes[0].flags_changed == 1
    assert report.mailboxes[0].arrived == 0
    assert archived(archive) == served_now(inbox)


def test_a_uidnext_that_was_never_true_is_no_setback(
    sync_once: SyncOnce, archive: Archive, inbox: ServedMailbox
) -> None:
    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        return [re.sub(rb"UIDNEXT \d+", b"UIDNEXT 2", piece) for piece in answer]

    sync_once(bend)
    add(inbox, 101)

    report = sync_once(bend)

    assert (report.exit_code, report.mailboxes[0].arrived) == (0, 1)
    assert digests(archive) == digests_served(inbox)
