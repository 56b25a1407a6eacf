"""What real servers do now and then, and what a sync makes of it: one bend a test."""

import pytest

from mailvault.archive.archive import Archive
from mailvault.demo.mailbox import ServedAccount, ServedMailbox
from mailvault.demo.session import EXTENSIONS
from mailvault.mail.model import Uid
from tests.servers.bent import (
    HangUp,
    asks_for,
    is_body_fetch,
    without,
)
from tests.unit.sources.imap_syncs import (
    BARE,
    CONDSTORE_ONLY,
    NOON,
    SyncOnce,
    archived,
    octets_of,
    served_now,
)


def test_an_ordinary_mailbox_is_archived_as_served(
    sync_once: SyncOnce, archive: Archive, inbox: ServedMailbox
) -> None:
    report = sync_once()

    assert report.exit_code == 0
    assert archived(archive) == served_now(inbox)


def test_ok_without_a_body_becomes_a_debt_and_the_rest_arrives(
    sync_once: SyncOnce, archive: Archive, inbox: ServedMailbox
) -> None:
    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        return without(answer, 7) if asks_for(command, 7) else answer

    report = sync_once(bend)

    assert report.exit_code == 3
    assert sorted(set(served_now(inbox)) - set(archived(archive))) == [7]

    assert sync_once().exit_code == 0
    assert archived(archive) == served_now(inbox)


@pytest.mark.parametrize("poison", [1, 10, 20])
def test_a_message_that_ends_the_connection_costs_only_itself(
    poison: int, sync_once: SyncOnce, archive: Archive, inbox: ServedMailbox
) -> None:
    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        if asks_for(command, poison):
            raise HangUp([b"* BYE Internal error\r\n"])
        return answer

    report = sync_once(bend)

    assert report.exit_code == 3
    assert report.mailboxes[0].unreadable == 1
    assert sorted(set(served_now(inbox)) - set(archived(archive))) == [poison]
    assert sync_once.connections <= 12


def test_a_message_the_server_refuses_costs_only_itself(
    sync_once: SyncOnce, archive: Archive, inbox: ServedMailbox
) -> None:
    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        if asks_for(command, 5):
            return [answer[-1].split(b" ")[0] + b" NO [UNAVAILABLE] cannot read message\r\n"]
        return answer

    report = sync_once(bend)

    assert report.mailboxes[0].unreadable == 1
    assert sorted(set(served_now(inbox)) - set(archived(archive))) == [5]
    (debt,) = archive.catalog.debts("a")
    assert "cannot read message" in debt.reason


def test_a_server_that_refuses_every_fetch_is_given_up_with_an_error(
    sync_once: SyncOnce, archive: Archive
) -> None:
    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        if is_body_fetch(command):
            return [answer[-1].split(b" ")[0] + b" NO Service temporarily unavailable\r\n"]
        return answer

    report = sync_once(bend)

    assert not report.ok
    assert archived(archive) == {}


def test_a_message_expunged_while_fetching_is_gone_not_owed(
    sync_once: SyncOnce, archive: Archive, inbox: ServedMailbox
) -> None:
    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        if asks_for(command, 9) and 9 in inbox.messages:
            inbox.expunge(Uid(9))
            return without(answer, 9)
        return answer

    report = sync_once(bend)

    assert report.exit_code == 0
    assert archived(archive) == served_now(inbox)


def test_a_search_that_returns_too_few_is_made_good_by_fetch(
    sync_once: SyncOnce, archive: Archive, inbox: ServedMailbox
) -> None:
    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        if b"UID SEARCH" in command and b"1:*" in command:
            tag = answer[-1].split(b" ")[0]
            return [b"* SEARCH 1 2 3 4 5\r\n", tag + b" OK Done\r\n"]
        return answer

    without_esearch = tuple(e for e in EXTENSIONS if e != b"ESEARCH")
    sync_once(bend, extensions=without_esearch)

    assert archived(archive) == served_now(inbox)


def test_a_placeholder_for_a_message_is_owed_not_archived(
    sync_once: SyncOnce, archive: Archive, inbox: ServedMailbox
) -> None:
    real = inbox.messages[Uid(3)].octets
    phrase = b"Retrieval using the IMAP4 protocol failed for the following message"
    text = b"Subject: x\r\n\r\n" + phrase + b": 3\r\n"

    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        if not asks_for(command, 3):
            return answer
        joined = b"".join(answer)
        return [joined.replace(b"{%d}\r\n" % len(real) + real, b"{%d}\r\n" % len(text) + text)]

    report = sync_once(bend)

    assert report.mailboxes[0].unreadable == 1
    assert 3 not in archived(archive)


@pytest.mark.parametrize(
    "extensions", [EXTENSIONS, CONDSTORE_ONLY, BARE], ids=["qresync", "condstore", "neither"]
)
def test_flags_and_expunges_are_found_whatever_the_server_offers(
    extensions: tuple[bytes, ...], sync_once: SyncOnce, archive: Archive, inbox: ServedMailbox
) -> None:
    sync_once(extensions=extensions)
    inbox.set_flags(Uid(2), ["\\Flagged", "$Work"])
    inbox.expunge(Uid(11))
    inbox.append(octets_of(99), flags=[], internal_date=NOON)

    report = sync_once(extensions=extensions)

    assert archived(archive) == served_now(inbox)
    mailbox = report.mailboxes[0]
    assert (mailbox.arrived, mailbox.flags_changed, mailbox.expunged) == (1, 1, 1)


@pytest.mark.parametrize(
    "extensions", [EXTENSIONS, CONDSTORE_ONLY], ids=["qresync", "condstore"]
)
def test_nothing_changed_costs_a_handful_of_commands(
    extensions: tuple[bytes, ...], sync_once: SyncOnce
) -> None:
    sync_once(extensions=extensions)

    report = sync_once(extensions=extensions)

    commands = sync_once.commands
    assert report.exit_code == 0
    assert not any(b"EXAMINE" in command for command in commands)
    assert len(commands) <= 6


def test_an_emptied_mailbox_is_recorded_but_suspicious(
    sync_once: SyncOnce, archive: Archive, inbox: ServedMailbox
) -> None:
    sync_once()
    for uid in list(inbox.messages):
        inbox.expunge(uid)

    report = sync_once()

    assert report.exit_code == 3
    assert report.mailboxes[0].suspicion == "the mailbox had 20 messages and now lists none"
    gone = list(archive.catalog.placements(account="a", gone=True))
    assert len(gone) == 20
    assert [archive.content.get(view.digest) for view in gone]


def test_what_a_person_accepts_is_no_longer_suspicious(
    sync_once: SyncOnce, archive: Archive, inbox: ServedMailbox
) -> None:
    sync_once()
    for uid in list(inbox.messages):
        inbox.expunge(uid)
    sync_once()
    assert len(archive.catalog.suspicions("a")) == 1

    report = sync_once(accept_empty=True)

    assert report.exit_code == 0
    assert list(archive.catalog.suspicions("a")) == []


def test_a_server_that_lists_no_mailbox_takes_nothing_away(
    sync_once: SyncOnce, archive: Archive, inbox: ServedMailbox
) -> None:
    sync_once()

    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        is_list = b" LIST" in command or b" LSUB" in command
        return answer[-1:] if is_list else answer

    report = sync_once(bend)

    assert report.exit_code == 3
    assert archived(archive) == served_now(inbox)


def test_a_mailbox_that_refuses_examine_does_not_stop_the_others(
    sync_once: SyncOnce, archive: Archive, served: ServedAccount, inbox: ServedMailbox
) -> None:
    broken = served.create("Broken")
    broken.append(octets_of(50), flags=[], internal_date=NOON)

    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        if b"EXAMINE" in command and b"Broken" in command:
            return [command.split(b" ")[0] + b" NO Mailbox is corrupt\r\n"]
        return answer

    report = sync_once(bend)

    assert report.exit_code == 3
    assert archived(archive) == served_now(inbox)
    assert [str(each.mailbox) for each in report.mailboxes if each.error] == ["Broken"]
