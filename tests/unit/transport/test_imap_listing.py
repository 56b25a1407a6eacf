"""Mailboxes as servers with and without extensions list them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mailvault.errors import ServerRefused
from mailvault.mail.model import MailboxName, MailboxState, Uid
from mailvault.protocols.imap.uidset import UidSet
from mailvault.transport.imap import ImapClient
from mailvault.transport.imap_values import ListedMailbox
from tests.unit.transport.imap_server import Replies, imap, login, loopback
from tests.unit.transport.scripted import ScriptedServer

EXTENDED = b"CAPABILITY IMAP4rev1 LIST-EXTENDED LIST-STATUS SPECIAL-USE CONDSTORE"
PLAIN_LIST = (
    b'* LIST (\\HasNoChildren) "." INBOX\r\n'
    b'* LIST (\\Noselect \\HasChildren) "." "Archive"\r\n'
    b'* LIST (\\Sent \\Marked) "." "Archive.Gesendet &AOQ-"\r\n'
    b'* LIST (\\Sent) "." "Archive.Gesendet &AOQ-"\r\nTAG OK done\r\n'
)
LSUB = b'* LSUB () "." INBOX\r\n* LSUB () "." "Gone"\r\nTAG OK done\r\n'
STATUS = b'* STATUS "%s" (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7)\r\nTAG OK done\r\n'

SENT = MailboxName(("Archive", "Gesendet ä"))
KNOWN = MailboxState(uidvalidity=7, uidnext=9, messages=3)


@contextmanager
def client_of(replies: Replies, offers: bytes) -> Iterator[tuple[ImapClient, ScriptedServer]]:
    welcome = b"TAG OK [%s] welcome\r\n" % offers
    with (
        imap({b"AUTHENTICATE PLAIN": welcome, **replies}) as server,
        ImapClient.connect(loopback(server), login(), None) as client,
    ):
        yield client, server


def listed(replies: Replies, offers: bytes) -> dict[MailboxName, ListedMailbox]:
    with client_of(replies, offers) as (client, _):
        return {one.mailbox.name: one for one in client.list_mailboxes()}


OLD: Replies = {
    b"LIST": PLAIN_LIST,
    b"LSUB": LSUB,
    b'STATUS "INBOX"': STATUS % b"INBOX",
    b'STATUS "Archive.Ges': STATUS % b"Archive.Gesendet &AOQ-",
}


def test_a_plain_server_tells_the_same_in_three_commands() -> None:
    found = listed(OLD, b"CAPABILITY IMAP4rev1")

    assert len(found) == 3
    sent = found[SENT]
    assert sent.wire_name == b"Archive.Gesendet &AOQ-"
    assert (sent.mailbox.special_use, sent.mailbox.is_subscribed) == ("\\Sent", False)
    assert sent.mailbox.state == KNOWN
    assert sent.mailbox.attributes == {"\\Sent"}
    parent = found[MailboxName(("Archive",))].mailbox
    assert (parent.is_selectable, parent.state) == (False, MailboxState())
    assert found[MailboxName(("INBOX",))].mailbox.is_subscribed


@pytest.mark.parametrize("no", [b"TAG BAD syntax\r\n", b"TAG NO Error in IMAP command\r\n"])
def test_a_server_that_refuses_what_it_offers_is_asked_plainly(no: bytes) -> None:
    replies = {**OLD, b'LIST "" "*" RETURN': no}

    assert listed(replies, EXTENDED).keys() == listed(OLD, b"CAPABILITY IMAP4rev1").keys()


def test_everything_comes_in_one_round_trip_where_offered() -> None:
    reply = (
        b'* LIST (\\Subscribed \\Sent) "/" Sent\r\n'
        b"* STATUS Sent (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7 HIGHESTMODSEQ 12)\r\n"
        b"TAG OK done\r\n"
    )
    with client_of({b"LIST": reply}, EXTENDED) as (client, server):
        [one] = client.list_mailboxes()

    assert one.mailbox.is_subscribed
    assert one.mailbox.special_use == "\\Sent"
    assert one.mailbox.state.highestmodseq == 12
    assert b"STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)" in server.heard
    assert b" STATUS Sent" not in server.heard


def test_a_mailbox_that_refuses_its_status_is_listed_all_the_same() -> None:
    found = listed({**OLD, b'STATUS "INBOX"': b"TAG NO not now\r\n"}, b"CAPABILITY IMAP4rev1")

    assert found[MailboxName(("INBOX",))].mailbox.state == MailboxState()
    assert found[SENT].mailbox.state == KNOWN


def test_subscriptions_that_are_not_told_are_unknown() -> None:
    found = listed({**OLD, b"LSUB": b"TAG NO no\r\n"}, b"CAPABILITY IMAP4rev1")

    assert {one.mailbox.is_subscribed for one in found.values()} == {None}


def test_a_refused_list_is_an_error_and_not_an_empty_account() -> None:
    with (
        client_of({b"LIST": b"TAG NO not ready\r\n"}, b"CAPABILITY IMAP4rev1") as (client, _),
        pytest.raises(ServerRefused),
    ):
        client.list_mailboxes()


def test_a_missing_uidnext_is_asked_for_before_the_mailbox_is_opened() -> None:
    opened = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\nTAG OK done\r\n"
    replies = {b"EXAMINE": opened, b"STATUS": STATUS % b"INBOX"}

    with client_of(replies, b"CAPABILITY IMAP4rev1") as (client, server):
        first = client.examine(b"INBOX")
        again = client.examine(b"INBOX")

    assert first.state == again.state == KNOWN
    verbs = [line.split()[1] for line in server.heard.split(b"\r\n") if b"INBOX" in line]
    assert verbs == [b"EXAMINE", b"STATUS", b"EXAMINE", b"STATUS", b"EXAMINE"]


def test_the_last_message_is_not_mistaken_for_a_new_one() -> None:
    replies = {b"UID SEARCH": b"* SEARCH 5\r\nTAG OK done\r\n"}

    with client_of(replies, b"CAPABILITY IMAP4rev1") as (client, _):
        client.examine(b"INBOX")

        assert client.search_uids(Uid(6)) == UidSet()
        assert client.search_uids(Uid(2)) == UidSet.of([5])


def test_an_extended_search_asks_for_all_in_full() -> None:
    offers = b"CAPABILITY IMAP4rev1 ESEARCH"
    replies = {b"UID SEARCH": b'* ESEARCH (tag "TAG") UID ALL 2:4,7\r\nTAG OK done\r\n'}

    with client_of(replies, offers) as (client, server):
        client.examine(b"INBOX")

        assert client.search_uids(Uid(1), Uid(6)) == UidSet.parse(b"2:4")

    assert b"RETURN (ALL)" in server.heard
