"""The IMAP client against real servers."""

import hashlib
import os
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailvault.mail.model import FLAGGED, SEEN, MailboxName, Uid
from mailvault.protocols.imap.uidset import MAXIMUM, UidSet
from mailvault.transport import imap_login
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.imap import ImapClient
from mailvault.transport.imap_values import Fetched, ListedMailbox
from tests.flags import build_flags
from tests.servers.process import HOST, MailServer
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server

EVERYTHING = UidSet([(1, MAXIMUM)])

Connect = Callable[[MailUser], ImapClient]


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """Opens clients for users and closes them after the test."""
    clients = []

    def open_client(user: MailUser) -> ImapClient:
        endpoint = Endpoint(HOST, user.port, TlsMode.NONE)
        client = ImapClient.connect(endpoint, Login(user.name, lambda: user.password), tmp_path)
        clients.append(client)
        return client

    yield open_client
    for client in clients:
        client.logout()


@pytest.fixture(params=["dovecot", "plain_dovecot", "cyrus", "courier"])
def any_user(request: pytest.FixtureRequest) -> MailUser:
    """A fresh user of each kind of server in turn."""
    server: MailServer = request.getfixturevalue(request.param)
    return new_user(server)


def letter(number: int) -> bytes:
    text = f"Subject: letter {number}\r\nMessage-ID: <{number}@example.org>\r\n\r\n"
    return text.encode() + b"line\r\n" * number


def fill(user: MailUser, count: int, mailbox: str = "INBOX") -> None:
    with user.session() as session:
        for number in range(1, count + 1):
            flags = ["\\Seen"] if number % 2 else ["\\Flagged", "$Work"]
            session.append(mailbox, letter(number), flags, "05-Jul-2020 12:00:00 +0200")


def bodies(client: ImapClient, *sets: str) -> dict[Uid, Fetched]:
    asked = [UidSet.parse(text.encode()) for text in sets]
    found: dict[Uid, Fetched] = {}
    for result in client.fetch_bodies(asked):
        assert result.refusal is None
        found |= {message.uid: message for message in result.messages}
    return found


def by_name(client: ImapClient) -> dict[MailboxName, ListedMailbox]:
    return {one.mailbox.name: one for one in client.list_mailboxes()}


def test_messages_come_whole_with_their_flags_and_dates(
    any_user: MailUser, connect: Connect
) -> None:
    fill(any_user, 20)
    client = connect(any_user)

    selected = client.examine(b"INBOX")
    found = bodies(client, "1:7", "8:12,14", "13,15:20", "21:99")

    assert selected.exists == 20
    assert {uid: message.body for uid, message in found.items()} == {
        number: letter(number) for number in range(1, 21)
    }
    assert found[Uid(1)].flags == build_flags(SEEN)
    assert found[Uid(2)].flags == build_flags(FLAGGED, "$Work")
    assert {str(message.internal_date) for message in found.values()} in (
        {"2020-07-05 12:00:00+02:00"},
        {"2020-07-05 10:00:00+00:00"},
    )


def test_the_state_of_a_mailbox_is_told_the_same_by_every_command(
    any_user: MailUser, connect: Connect
) -> None:
    fill(any_user, 3)
    client = connect(any_user)

    [listed] = [one for one in client.list_mailboxes() if str(one.mailbox.name) == "INBOX"]
    status = client.status(listed.wire_name)
    selected = client.examine(listed.wire_name)

    assert (status.messages, status.uidnext) == (3, 4)
    assert listed.mailbox.state == status
    assert replace(selected.state, mailbox_id=None) == status


def test_uids_and_flags_and_fingerprints_agree(any_user: MailUser, connect: Connect) -> None:
    fill(any_user, 6)
    client = connect(any_user)
    client.examine(b"INBOX")

    flags = {one.uid: one.flags for one in client.fetch_flags(EVERYTHING)}
    prints = client.fetch_fingerprints(UidSet.parse(b"2:4"))

    assert client.search_uids(Uid(1)) == UidSet([(1, 6)]) == UidSet.of(flags)
    assert client.search_uids(Uid(3), Uid(4)) == UidSet([(3, 4)])
    assert client.search_uids(Uid(7)) == UidSet()
    assert flags[Uid(1)] == build_flags(SEEN)
    assert [(one.uid, one.size, one.message_id) for one in prints] == [
        (number, len(letter(number)), f"<{number}@example.org>") for number in (2, 3, 4)
    ]


def test_nothing_on_the_server_is_altered(any_user: MailUser, connect: Connect) -> None:
    with any_user.session() as session:
        session.append("INBOX", letter(1))
    client = connect(any_user)
    client.examine(b"INBOX")

    bodies(client, "1")

    [message] = client.fetch_flags(EVERYTHING)
    assert message.flags == frozenset()


@pytest.mark.parametrize("kind", ["dovecot", "plain_dovecot"])
def test_mailboxes_are_listed_with_names_uses_and_subscriptions(
    kind: str, request: pytest.FixtureRequest, connect: Connect
) -> None:
    user = new_user(request.getfixturevalue(kind))
    names = ["Sent", "Läbel & Co", "Läbel & Co/日本語", "100%", 'quo"te', "trash", "Trash"]
    with user.session() as session:
        for name in names:
            session.create(name)
        session.command(b'SUBSCRIBE "Sent"')
    fill(user, 2, "Sent")

    found = by_name(connect(user))

    assert set(map(str, found)) == {*names, "INBOX"}
    sent = found[MailboxName(("Sent",))].mailbox
    assert (sent.special_use, sent.is_subscribed, sent.state.messages) == (
        "\\Sent",
        True,
        2,
    )
    assert found[MailboxName(("100%",))].mailbox.is_subscribed is False
    assert found[MailboxName(("Läbel & Co", "日本語"))].mailbox.state.messages == 0


def test_every_listed_name_can_be_examined(any_user: MailUser, connect: Connect) -> None:
    with any_user.session() as session:
        prefix = "INBOX." if "courier" in type(any_user.server).__name__.lower() else ""
        for name in ("With blank", "Übung", "a~b"):
            session.create(prefix + name)
    client = connect(any_user)

    listed = client.list_mailboxes()

    assert len(listed) >= 4
    for one in listed:
        assert client.examine(one.wire_name).exists == 0


def test_a_changed_mailbox_is_resynchronised_in_one_answer(
    mail_user: MailUser, connect: Connect
) -> None:
    fill(mail_user, 10)
    client = connect(mail_user)
    before = client.examine(b"INBOX").state
    assert before.uidvalidity is not None
    assert before.highestmodseq is not None
    with mail_user.session() as session:
        session.select("INBOX")
        session.store("5", "FLAGS (\\Answered)")
        session.expunge("2:3")

    after = client.examine(b"INBOX", qresync=(before.uidvalidity, before.highestmodseq))

    assert after.exists == 8
    assert after.vanished == UidSet.parse(b"2:3")
    assert {one.uid: one.flags for one in after.changed} == {5: build_flags("\\Answered")}


def test_flags_changed_since_are_few_and_the_vanished_are_told(
    mail_user: MailUser, connect: Connect
) -> None:
    fill(mail_user, 10)
    client = connect(mail_user)
    since = client.examine(b"INBOX").state.highestmodseq
    with mail_user.session() as session:
        session.select("INBOX")
        session.store("7", "+FLAGS (\\Deleted)")
        session.expunge("9")
    client.examine(b"INBOX")

    changed = list(client.fetch_flags(EVERYTHING, changed_since=since, vanished=True))

    assert [one.uid for one in changed] == [7]
    assert client.vanished == UidSet.parse(b"9")


def test_a_message_of_150_mebibytes_needs_next_to_no_memory(
    mail_user: MailUser, connect: Connect, tmp_path: Path
) -> None:
    fill(mail_user, 1)
    path = mail_user.server.folder / "home" / mail_user.name / "Maildir" / "cur" / "big:2,S"
    line = b"x" * 74 + b"\r\n"
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for chunk in [b"Subject: big\r\n\r\n", *[line * 13797] * 150]:
            digest.update(chunk)
            file.write(chunk)
    mail_user.server.give_to_owner(path)
    client = connect(mail_user)
    assert client.examine(b"INBOX").exists == 2

    tracemalloc.start()
    try:
        body = bodies(client, "2")[Uid(2)].body
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert body is not None
    assert not isinstance(body, bytes)
    assert body.size == path.stat().st_size > 157_000_000
    again = hashlib.sha256()
    for chunk in body.chunks():
        again.update(chunk)
    assert again.digest() == digest.digest()
    assert peak < 8 << 20
    body.discard()
    assert list(tmp_path.iterdir()) == []


def test_messages_expunged_meanwhile_are_missing_and_told_of(
    any_user: MailUser, connect: Connect
) -> None:
    fill(any_user, 6)
    client = connect(any_user)
    client.examine(b"INBOX")
    with any_user.session() as session:
        session.select("INBOX")
        session.expunge("2,4")

    found = bodies(client, "1:6")
    client.noop()

    # Courier gives a made-up message for each one that is gone: hence the count.
    assert set(found) in ({1, 3, 5, 6}, {1, 2, 3, 4, 5, 6})
    assert client.expunged_since_examine == 2
    client.examine(b"INBOX")
    assert client.expunged_since_examine == 0
    assert client.search_uids(Uid(1)) == UidSet.parse(b"1,3,5:6")


def test_a_compressed_connection_gives_the_same_octets(
    mail_user: MailUser, connect: Connect
) -> None:
    fill(mail_user, 30)
    body = b"Subject: noise\r\n\r\n" + os.urandom(3 << 20).hex().encode()
    with mail_user.session() as session:
        session.append("INBOX", body)
    client = connect(mail_user)
    client._session.stream.is_loopback = False  # over loopback it would be a waste

    imap_login.compress(client._session)
    client.examine(b"INBOX")
    found = bodies(client, "1:20", "21:31")

    assert client._session.stream.is_compressed
    assert [found[Uid(n)].body for n in range(1, 31)] == [letter(n) for n in range(1, 31)]
    big = found[Uid(31)].body
    assert big is not None
    assert not isinstance(big, bytes)
    assert b"".join(big.chunks()) == body
    big.discard()


def test_news_end_an_idle(mail_user: MailUser, connect: Connect) -> None:
    client = connect(mail_user)
    client.examine(b"INBOX")
    assert not client.idle(0.05)
    fill(mail_user, 1)

    assert client.idle(20)
    assert client.exists == 1


def test_a_login_literal_carries_any_password(
    request: pytest.FixtureRequest, connect: Connect
) -> None:
    dovecot: MailServer = request.getfixturevalue("dovecot")
    user = MailUser(dovecot, "odd-password", 'pä"ss\\wörd €')
    dovecot.add_user(user.name, user.password)

    for mechanism in ("auto", "plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256"):
        endpoint = Endpoint(HOST, user.port, TlsMode.NONE)
        login = Login(user.name, lambda: user.password, mechanism)
        with ImapClient.connect(endpoint, login, None) as client:
            assert client.list_mailboxes()
