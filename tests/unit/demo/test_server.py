"""The demonstration server over real sockets, seen by the standard library's client."""

import imaplib
import socket

import pytest

from mailvault.demo.sample import PASSWORD, USER, build_sample, change_sample
from mailvault.demo.server import MAX_CONNECTIONS, DemoServer


def test_every_message_can_be_read_by_another_client() -> None:
    account = build_sample()
    octets = 0

    with DemoServer(account) as server, imaplib.IMAP4(server.host, server.port) as client:
        client.login(USER, PASSWORD)
        for mailbox in account.mailboxes():
            if mailbox.is_selectable and str(mailbox.name).isascii():
                client.select(f'"{mailbox.name}"', readonly=True)
                _, answers = client.uid("FETCH", "1:*", "(BODY.PEEK[])")
                octets += sum(len(each[1]) for each in answers if isinstance(each, tuple))

    in_ascii = [mailbox for mailbox in account.mailboxes() if str(mailbox.name).isascii()]
    assert octets == sum(len(m.octets) for box in in_ascii for m in box.messages.values())


def test_it_listens_on_loopback_only() -> None:
    with DemoServer(build_sample()) as server:
        assert server._listener.getsockname()[0] == "127.0.0.1"


def test_leaving_it_ends_the_connections() -> None:
    with DemoServer(build_sample()) as server:
        client = socket.create_connection((server.host, server.port))
        assert client.recv(4) == b"* OK"

    with client:
        while client.recv(65_536):
            pass


def test_more_clients_than_it_can_serve_are_turned_away() -> None:
    with DemoServer(build_sample()) as server:
        clients = [socket.create_connection((server.host, server.port)) for _ in range(17)]
        greetings = [client.recv(5) for client in clients]
        for client in clients:
            client.close()

    assert greetings.count(b"* OK ") == MAX_CONNECTIONS
    assert greetings[-1] == b"* BYE"


def test_the_sample_is_the_same_every_time() -> None:
    assert build_sample().placements() == build_sample().placements()


def test_the_sample_holds_the_same_mail_more_than_once() -> None:
    placements = build_sample().placements()

    assert len({each.digest for each in placements}) < len(placements)


@pytest.mark.parametrize("fact", ["flags", "internal_date", "digest"])
def test_the_sample_varies(fact: str) -> None:
    assert len({getattr(each, fact) for each in build_sample().placements()}) > 5


def test_a_change_is_seen_in_flags_uids_and_names() -> None:
    account = build_sample()
    before = set(account.placements())

    told = change_sample(account)

    after = set(account.placements())
    assert len(told) == 6
    assert {each.mailbox for each in after - before} == {
        "INBOX",
        "Trash",
        "Projekte/Fertig/Brücke Süd",
        "Projekte/Neu",
    }
