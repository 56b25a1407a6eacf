"""What the client believes of the bodies a server sends."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailvault.errors import ConnectionLost, MailvaultError, NoSpace, ProtocolViolation
from mailvault.mail.model import SEEN, Uid
from mailvault.protocols.imap.uidset import UidSet
from mailvault.transport.endpoint import Endpoint, TlsMode
from mailvault.transport.imap import ImapClient
from mailvault.transport.imap_values import FetchedSet
from tests.flags import build_flags
from tests.servers.certificates import LOOPBACK_NAMES, Authority
from tests.unit.transport.imap_server import QUICK, USUAL, imap, login, loopback, serve
from tests.unit.transport.scripted import HOST, Peer, ScriptedServer, server_context

DATE = b'INTERNALDATE "05-Jan-2026 12:00:00 +0000"'
BIG = 3 << 20


def fetch_line(uid: int, body: bytes, *, sequence: int = 1, size: int | None = None) -> bytes:
    """A FETCH response with a literal for the body."""
    return (
        b"* %d FETCH (UID %d FLAGS (\\Seen \\Recent) %s RFC822.SIZE %d BODY[] {%d}\r\n%s)\r\n"
        % (
            sequence,
            uid,
            DATE,
            len(body) if size is None else size,
            len(body),
            body,
        )
    )


@contextmanager
def client_told(
    reply: bytes, spool: Path | None = None, **options: int
) -> Iterator[ImapClient]:
    """A client in a mailbox whose server answers every FETCH with `reply`."""
    with (
        imap({b"UID FETCH": reply}) as server,
        ImapClient.connect(loopback(server), login(), spool, **options) as client,
    ):
        client.examine(b"INBOX")
        yield client


def fetched(reply: bytes, uids: str = "1:9", spool: Path | None = None) -> FetchedSet:
    with client_told(reply, spool) as client:
        [result] = client.fetch_bodies([UidSet.parse(uids.encode())])
    return result


def test_a_message_comes_with_flags_date_and_exact_octets() -> None:
    body = b"Subject: hi\n\r\0\xff\r\nodd line ends\r"

    [message] = fetched(fetch_line(5, body, size=99) + b"TAG OK done\r\n").messages

    assert message.body == body
    assert message.flags == build_flags(SEEN)
    assert message.size == 99
    assert message.internal_date is not None
    assert message.problem is None


def test_only_messages_that_were_asked_for_are_taken() -> None:
    reply = fetch_line(3, b"unasked") + fetch_line(5, b"asked") + b"TAG OK done\r\n"

    result = fetched(reply, "5")

    assert [message.uid for message in result.messages] == [5]


def test_a_second_body_for_the_same_message_is_ignored_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reply = fetch_line(5, b"first") + fetch_line(5, b"second") + b"TAG OK done\r\n"

    with caplog.at_level(logging.INFO, logger="mailvault"):
        [message] = fetched(reply).messages

    assert message.body == b"first"
    assert "UID 5 was sent twice" in caplog.text


def test_news_of_flags_in_between_is_no_message() -> None:
    news = b"* 2 FETCH (UID 6 FLAGS (\\Seen))\r\n* 3 FETCH (FLAGS (\\Deleted))\r\n"

    result = fetched(news + fetch_line(5, b"body") + news + b"TAG OK done\r\n")

    assert [message.uid for message in result.messages] == [5]


def test_an_empty_message_is_a_message() -> None:
    quoted = b'* 1 FETCH (UID 6 %s RFC822.SIZE 0 BODY[] "")\r\n' % DATE

    result = fetched(fetch_line(5, b"") + quoted + b"TAG OK done\r\n")

    assert [(message.body, message.problem) for message in result.messages] == [(b"", None)] * 2


def test_a_message_the_server_has_no_octets_for_is_a_problem() -> None:
    nil = b"* 1 FETCH (UID 5 FLAGS () %s RFC822.SIZE 24 BODY[] NIL)\r\n" % DATE

    [message] = fetched(nil + b"TAG OK done\r\n").messages

    assert message.body is None
    assert message.problem == "the server answered without the message"


def test_a_body_that_follows_an_empty_answer_is_taken() -> None:
    nil = b"* 1 FETCH (UID 5 FLAGS () %s RFC822.SIZE 24 BODY[] NIL)\r\n" % DATE

    [message] = fetched(nil + fetch_line(5, b"body") + b"TAG OK done\r\n").messages

    assert (message.body, message.problem) == (b"body", None)


def test_a_literal8_is_a_body() -> None:
    reply = b"* 1 FETCH (UID 5 %s RFC822.SIZE 3 BODY[] ~{3}\r\na\0b)\r\n" % DATE

    [message] = fetched(reply + b"TAG OK done\r\n").messages

    assert message.body == b"a\0b"


def test_ok_without_data_is_an_empty_result() -> None:
    assert fetched(b"TAG OK done\r\n").messages == ()


@pytest.mark.parametrize("answer", [b"NO [UNAVAILABLE] later\x1b[2J", b"BAD what"])
def test_what_came_before_a_refusal_is_dropped(tmp_path: Path, answer: bytes) -> None:
    reply = fetch_line(5, b"body") + fetch_line(6, bytes(BIG)) + b"TAG " + answer + b"\r\n"

    result = fetched(reply, spool=tmp_path)

    assert result.messages == ()
    assert result.refusal is not None
    assert "\x1b" not in result.refusal
    assert result.refusal_code == ("UNAVAILABLE" if b"NO" in answer else None)
    assert list(tmp_path.iterdir()) == []


def test_a_large_message_goes_through_a_file(tmp_path: Path) -> None:
    body = b"x" * BIG + b"end"

    [message] = fetched(fetch_line(5, body) + b"TAG OK done\r\n", spool=tmp_path).messages

    assert message.body is not None
    assert not isinstance(message.body, bytes)
    assert b"".join(message.body.chunks()) == body
    message.body.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_message_above_the_limit_is_reported_and_the_rest_comes(tmp_path: Path) -> None:
    reply = fetch_line(5, bytes(BIG)) + fetch_line(6, b"small") + b"TAG OK done\r\n"

    with client_told(reply, tmp_path, max_message=2 << 20) as client:
        [result] = client.fetch_bodies([UidSet.parse(b"5:6")])

    large, small = result.messages
    assert large.body is None
    assert large.problem == f"the message of {BIG} octets is above the limit"
    assert small.body == b"small"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("whole", [b"body" * 9, bytes(BIG)], ids=["small", "spooled"])
def test_a_connection_cut_in_a_body_leaves_nothing(tmp_path: Path, whole: bytes) -> None:
    announced = fetch_line(5, whole)[: -len(whole) // 2]

    with client_told(announced, tmp_path) as client, pytest.raises(ConnectionLost):
        list(client.fetch_bodies([UidSet.parse(b"5")]))

    assert list(tmp_path.iterdir()) == []


# Close to the ends of its parts, where mistakes live, and within them.
CUTS = (
    0,
    1,
    40,
    90,
    100,
    120,
    135,
    136,
    137,
    160,
    220,
    240,
    250,
    260,
    5000,
    BIG,
    -4,
    -3,
    -2,
    -1,
)


@pytest.mark.parametrize("cut", CUTS)
def test_a_connection_cut_anywhere_leaves_nothing_half(tmp_path: Path, cut: int) -> None:
    whole = fetch_line(5, b"body" * 9) + fetch_line(6, bytes(BIG)) + b"TAG OK done\r\n"

    def script(peer: Peer) -> None:
        peer.say(b"* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n")
        peer.answer(USUAL[b"EXAMINE"])
        tag = peer.line().partition(b" ")[0]
        peer.say(whole.replace(b"TAG", tag)[:cut])

    with ScriptedServer(script) as server:
        client = ImapClient.connect(loopback(server), login(), tmp_path)
        client.examine(b"INBOX")
        with client, pytest.raises(ConnectionLost):
            list(client.fetch_bodies([UidSet.parse(b"5:6")]))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_private", [False, True], ids=["plain", "tls"])
def test_octets_may_come_one_at_a_time(is_private: bool, tmp_path: Path) -> None:
    reply = fetch_line(5, b"Subject: hi\r\n\r\nbody\r\n") + b"TAG OK done\r\n"
    authority = Authority.create(tmp_path)
    context = server_context(authority.certify(*LOOPBACK_NAMES))

    def script(peer: Peer) -> None:
        if is_private:
            peer.start_tls(context)
        peer.piece = 1
        peer.say(b"* OK ready\r\n")
        serve(peer, {b"UID FETCH": reply})

    with ScriptedServer(script) as server:
        mode = TlsMode.IMPLICIT if is_private else TlsMode.NONE
        endpoint = Endpoint(HOST, server.port, mode, ca_file=authority.ca_file, timeouts=QUICK)
        with ImapClient.connect(endpoint, login(), None) as client:
            client.examine(b"INBOX")
            [result] = client.fetch_bodies([UidSet.parse(b"5")])

    assert [message.body for message in result.messages] == [b"Subject: hi\r\n\r\nbody\r\n"]


def test_a_complete_body_without_the_tagged_ok_is_not_handed_out() -> None:
    reply = fetch_line(5, b"body") + b"* BYE too bad\r\n"

    with (
        client_told(reply) as client,
        pytest.raises(ConnectionLost, match="ended the session: too bad"),
    ):
        list(client.fetch_bodies([UidSet.parse(b"5")]))


@pytest.mark.parametrize(
    "literal",
    [b"{99999999999999999999}", b"{-1}", b"{+}", b"{5}x", b"{}", b"{0x10}"],
    ids=lambda literal: literal.decode(),
)
def test_an_absurd_literal_is_refused_at_once(literal: bytes) -> None:
    reply = b"* 1 FETCH (UID 5 %s BODY[] %s\r\n" % (DATE, literal)

    with client_told(reply) as client, pytest.raises((ProtocolViolation, ConnectionLost)):
        list(client.fetch_bodies([UidSet.parse(b"5")]))


def test_several_sets_are_answered_in_order() -> None:
    with client_told(fetch_line(5, b"body") + b"TAG OK done\r\n") as client:
        sets = [UidSet.parse(text) for text in (b"1", b"5", b"5:6", b"7:9")]
        results = list(client.fetch_bodies(sets, depth=2))

    assert [result.asked for result in results] == sets
    assert [len(result.messages) for result in results] == [0, 1, 1, 0]


def test_no_command_line_is_longer_than_servers_take() -> None:
    scattered = UidSet.of(range(1_000_000_000, 1_000_020_000, 2))
    with (
        imap({b"UID FETCH": b"TAG OK done\r\n"}) as server,
        ImapClient.connect(loopback(server), login(), None) as client,
    ):
        client.examine(b"INBOX")
        results = list(client.fetch_bodies([scattered]))
        list(client.fetch_flags(scattered))
        client.fetch_fingerprints(scattered)

    assert max(map(len, server.heard.split(b"\r\n"))) < 8000
    assert sum(len(result.asked) for result in results) == len(scattered)


def test_an_abandoned_fetch_does_not_disturb_what_follows(tmp_path: Path) -> None:
    reply = fetch_line(5, bytes(BIG)) + b"TAG OK done\r\n"
    with client_told(reply, tmp_path) as client:
        bodies = client.fetch_bodies([UidSet.parse(b"5")] * 3)
        first = next(bodies)
        bodies.close()  # type: ignore[attr-defined]  # it is a generator
        client.noop()
        assert client.status(b"INBOX") is not None
        for message in first.messages:
            message.body.discard()  # type: ignore[union-attr]  # spooled

        assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_not_blamed_on_the_server(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    reply = fetch_line(5, bytes(BIG)) + b"TAG OK done\r\n"

    with client_told(reply, gone) as client, pytest.raises(MailvaultError) as caught:
        list(client.fetch_bodies([UidSet.parse(b"5")]))

    assert caught.value.exit_code == NoSpace.exit_code - 1
    assert str(gone) in str(caught.value)


def test_flags_are_streamed_without_recent() -> None:
    reply = (
        b"* 1 FETCH (UID 5 FLAGS (\\Seen \\Recent $Work))\r\n"
        b"* 2 FETCH (FLAGS () UID 6 MODSEQ (12))\r\n"
        b"* 3 FETCH (UID 99 FLAGS ())\r\nTAG OK done\r\n"
    )
    with client_told(reply) as client:
        found = list(client.fetch_flags(UidSet.parse(b"1:9")))

    assert [(one.uid, one.flags, one.modseq) for one in found] == [
        (Uid(5), {"\\Seen", "$Work"}, None),
        (Uid(6), frozenset(), 12),
    ]


def test_fingerprints_tell_size_date_and_message_id() -> None:
    header = b"Message-ID: <a@b>\r\n\r\n"
    reply = (
        b"* 1 FETCH (UID 5 FLAGS () %s RFC822.SIZE 42"
        b" BODY[HEADER.FIELDS (MESSAGE-ID)] {%d}\r\n%s)\r\n"
        b"* 2 FETCH (UID 6 FLAGS () %s RFC822.SIZE 43"
        b" BODY[HEADER.FIELDS (MESSAGE-ID)] {2}\r\n\r\n)\r\nTAG OK done\r\n"
    ) % (DATE, len(header), header, DATE)

    with client_told(reply) as client:
        found = client.fetch_fingerprints(UidSet.parse(b"1:9"))

    assert [(one.uid, one.size, one.message_id) for one in found] == [
        (5, 42, "<a@b>"),
        (6, 43, None),
    ]
