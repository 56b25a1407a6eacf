"""Who may say what when, and which answer belongs to which question."""

import pytest

from mailvault.mail.model import MailboxName
from mailvault.protocols.imap import commands
from mailvault.protocols.imap.commands import Command, FetchItem, StatusAttribute
from mailvault.protocols.imap.connection import Connection, State
from mailvault.protocols.imap.types import (
    Bye,
    Condition,
    Continuation,
    Event,
    Fetch,
    Greeting,
    ListItem,
    StatusItem,
    Tagged,
)
from mailvault.protocols.imap.uidset import UidSet
from tests.unit.protocols.conversation import FETCH_ALL, Sinks, feed, logged_in, selected

LIST = commands.list_mailboxes()
STATUS_OF_A = commands.status(b"a", [StatusAttribute.MESSAGES])
STATUS_OF_B = commands.status(b"b", [StatusAttribute.MESSAGES])
NOOP = commands.noop()


def fetch(uids: bytes, *items: FetchItem) -> Command:
    return commands.uid_fetch(UidSet.parse(uids), items or [FetchItem.FLAGS])


def receive(connection: Connection, octets: bytes) -> list[Event]:
    events, survived = feed(connection, [octets])
    assert survived
    return events


def greeted(capabilities: bytes = b"IMAP4rev1") -> Connection:
    connection = Connection(is_private=True)
    receive(connection, b"* OK [CAPABILITY " + capabilities + b"] ready\r\n")
    return connection


# The states


def test_a_greeting_is_kept_with_its_capabilities() -> None:
    connection = greeted(b"IMAP4rev1 idle")

    assert connection.state is State.NOT_AUTHENTICATED
    assert connection.greeting is not None
    assert connection.greeting.text == "ready"
    assert connection.capabilities == {"IMAP4REV1", "IDLE"}


def test_a_preauth_greeting_is_reported_and_means_logged_in() -> None:
    connection = Connection(is_private=True)

    events = receive(connection, b"* PREAUTH welcome back\r\n")

    assert events == [Event(Greeting(Condition.PREAUTH, None, "welcome back"), None)]
    assert connection.state is State.AUTHENTICATED


def test_a_greeting_may_be_a_goodbye() -> None:
    connection = Connection(is_private=True)

    events = receive(connection, b"* BYE [UNAVAILABLE] too many connections\r\n")

    assert isinstance(events[0].value, Greeting)
    assert events[0].value.condition is Condition.BYE
    assert connection.state is State.LOGOUT


@pytest.mark.parametrize(
    "octets",
    [
        b"* NO\r\n",
        b"* 1 EXISTS\r\n",
        b"A1 OK\r\n",
        b"+ \r\n",
        b"\r\n",
        b"+OK POP3\r\n",
        b"220\r\n",
    ],
)
def test_what_is_no_greeting_is_a_violation(octets: bytes) -> None:
    assert not feed(Connection(is_private=True), [octets])[1]


def test_a_second_preauth_is_a_violation() -> None:
    assert not feed(logged_in(), [b"* PREAUTH\r\n"])[1]


@pytest.mark.parametrize(
    "octets", [b'* LIST () "/" x\r\n', b"* 1 EXISTS\r\n", b"* 1 FETCH (UID 1)\r\n"]
)
def test_mail_before_login_is_a_violation(octets: bytes) -> None:
    assert not feed(greeted(), [octets])[1]


@pytest.mark.parametrize(
    ("command", "connection"),
    [
        (commands.login("u", "p"), logged_in()),
        (commands.starttls(), logged_in()),
        (LIST, greeted()),
        (FETCH_ALL, logged_in()),
        (commands.enable("QRESYNC"), selected()),
        (NOOP, Connection(is_private=True)),
    ],
)
def test_a_command_out_of_place_is_not_sent(command: Command, connection: Connection) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        connection.send(command)

    assert connection.outgoing() == b""
    assert connection.in_flight == {}


def test_a_login_that_fails_changes_no_state() -> None:
    connection = greeted()
    connection.send(commands.login("u", "p"))

    receive(connection, b"A1 NO [AUTHENTICATIONFAILED] wrong\r\n")

    assert connection.state is State.NOT_AUTHENTICATED


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        (b"A1 OK in\r\n", set()),
        (b"A1 OK [CAPABILITY QRESYNC] in\r\n", {"QRESYNC"}),
        (b"* CAPABILITY ESEARCH\r\nA1 OK in\r\n", {"ESEARCH"}),
    ],
)
def test_capabilities_from_before_the_login_are_not_kept(
    answer: bytes, known: set[str]
) -> None:
    connection = greeted()
    connection.send(commands.login("u", "p"))

    receive(connection, answer)

    assert connection.capabilities == known
    assert connection.state is State.AUTHENTICATED


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (b"OK", State.SELECTED),
        (b"NO", State.AUTHENTICATED),
        (b"BAD", State.AUTHENTICATED),
    ],
)
def test_examine_decides_what_is_selected(answer: bytes, state: State) -> None:
    connection = selected()
    connection.send(commands.examine(b"other"))

    receive(connection, b"A3 " + answer + b"\r\n")

    assert connection.state is state


def test_unselect_goes_back() -> None:
    connection = selected(commands.unselect())

    receive(connection, b"A3 OK\r\n")

    assert connection.state is State.AUTHENTICATED


def test_logout_ends_with_a_goodbye() -> None:
    connection = selected(commands.logout())

    events = receive(connection, b"* BYE bye\r\nA3 OK\r\n")

    assert [event.tag for event in events] == ["A3", "A3"]
    assert connection.state is State.LOGOUT


def test_a_goodbye_that_nobody_asked_for_is_told() -> None:
    connection = selected(FETCH_ALL)

    events = receive(connection, b"* BYE idle for too long\r\n")

    assert events == [Event(Bye(None, "idle for too long"), None)]
    assert connection.state is State.LOGOUT


# Pipelining


def test_commands_are_pipelined_with_tags_of_their_own() -> None:
    connection = selected()

    tags = [connection.send(FETCH_ALL), connection.send(NOOP)]

    assert tags == ["A3", "A4"]
    assert connection.outgoing().endswith(b"\r\nA4 NOOP\r\n")
    assert connection.outgoing() == b""
    assert list(connection.in_flight) == tags


def test_completions_may_come_in_any_order() -> None:
    connection = selected(FETCH_ALL, NOOP)

    receive(connection, b"A4 OK\r\nA3 OK\r\n")

    assert connection.in_flight == {}


@pytest.mark.parametrize("tag", [b"A9", b"A2", b"x"])
def test_a_completion_of_nothing_in_flight_is_a_violation(tag: bytes) -> None:
    assert not feed(selected(NOOP), [tag + b" OK\r\n"])[1]


def test_a_command_is_completed_once() -> None:
    assert not feed(selected(NOOP), [b"A3 OK\r\nA3 OK\r\n"])[1]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (FETCH_ALL, commands.examine(b"x")),
        (commands.examine(b"x"), FETCH_ALL),
        (commands.idle(), NOOP),
        (commands.idle(), commands.logout()),
        (commands.compress(), NOOP),
    ],
)
def test_what_changes_the_meaning_of_others_goes_alone(first: Command, second: Command) -> None:
    connection = selected(first)

    with pytest.raises(ValueError, match="cannot be pipelined"):
        connection.send(second)


def test_a_logout_may_follow_anything_that_is_a_command() -> None:
    connection = selected(commands.examine(b"x"))

    connection.send(commands.logout())

    assert connection.outgoing() == b"A4 LOGOUT\r\n"


# Literals of ours


def test_a_literal_waits_for_its_turn_and_holds_up_what_follows() -> None:
    connection = greeted()
    connection.send(commands.login("ü", "ß"))
    assert connection.outgoing() == b"A1 LOGIN {2}\r\n"

    assert receive(connection, b"+ go on\r\n") == []
    assert connection.outgoing() == "ü {2}\r\n".encode()
    assert receive(connection, b"+\r\n") == []
    assert connection.outgoing() == "ß\r\n".encode()


def test_commands_behind_a_literal_wait_with_it() -> None:
    connection = greeted()
    connection.send(commands.login("u", "p"))
    receive(connection, b"A1 OK\r\n")
    connection.outgoing()
    connection.send(commands.status(b"\xff", [StatusAttribute.MESSAGES]))
    connection.send(NOOP)
    assert connection.outgoing() == b"A2 STATUS {1}\r\n"

    receive(connection, b"+ \r\n")

    assert connection.outgoing() == b"\xff (MESSAGES)\r\nA3 NOOP\r\n"


def test_a_literal_that_is_refused_is_not_sent() -> None:
    connection = greeted()
    connection.send(commands.login("u", "p"))
    receive(connection, b"A1 OK\r\n")
    connection.outgoing()
    connection.send(commands.status(b"\xff", [StatusAttribute.MESSAGES]))
    connection.send(NOOP)
    connection.outgoing()

    receive(connection, b"A2 BAD no literals here\r\n")

    assert connection.outgoing() == b"A3 NOOP\r\n"


def test_a_plus_for_nothing_is_a_violation() -> None:
    assert not feed(selected(NOOP), [b"+ more\r\n"])[1]


# Answers


def test_fetches_answer_the_command_that_named_their_uid() -> None:
    connection = selected(fetch(b"1:5"), fetch(b"6:9"), fetch(b"1:9"))

    events = receive(
        connection,
        b"* 6 FETCH (UID 6 FLAGS ())\r\n* 1 FETCH (UID 1 FLAGS ())\r\n"
        b"* 1 FETCH (FLAGS ())\r\n* 1 FETCH (UID 10 FLAGS ())\r\n",
    )

    assert [event.tag for event in events] == ["A4", "A3", None, None]


@pytest.mark.parametrize(
    "command", [fetch(b"2", FetchItem.BODY), fetch(b"1", FetchItem.FLAGS), NOOP]
)
def test_a_body_nobody_asked_for_is_taken_away(command: Command) -> None:
    connection = selected(command)

    (event,) = receive(connection, b"* 1 FETCH (UID 1 BODY[] {3}\r\nabc FLAGS ())\r\n")

    assert isinstance(event.value, Fetch)
    assert (event.tag, event.value.body, event.value.flags) == (None, None, frozenset())


def test_a_large_body_nobody_asked_for_leaves_no_file() -> None:
    sinks = Sinks()
    connection = selected(fetch(b"2", FetchItem.BODY), sinks=sinks)
    octets = b"x" * ((1 << 20) + 1)

    events = receive(connection, b"* 1 FETCH (UID 1 BODY[] {1048577}\r\n%s)\r\n" % octets)

    assert len(sinks.opened) == 1
    assert sinks.left_behind(events) == []
    assert isinstance(events[0].value, Fetch)
    assert events[0].value.body is None


def test_a_body_while_selecting_is_not_taken() -> None:
    connection = logged_in()
    connection.send(commands.examine(b"x", qresync=(1, 1)))

    events = receive(
        connection,
        b"* 1 FETCH (UID 1 FLAGS ())\r\n* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n",
    )

    assert [event.tag for event in events] == ["A2", None]


def test_statuses_answer_the_command_that_named_their_mailbox() -> None:
    connection = selected(STATUS_OF_A, STATUS_OF_B)

    events = receive(
        connection,
        b"* STATUS b (MESSAGES 1)\r\n* STATUS A (MESSAGES 1)\r\nA3 OK\r\nA4 OK\r\n"
        b"* STATUS b (MESSAGES 1)\r\n",
    )

    # "A" names no mailbox that was asked for: the oldest question is the likeliest.
    tags = [event.tag for event in events if isinstance(event.value, StatusItem)]
    assert tags == ["A4", "A3", None]


def test_inbox_is_inbox_in_any_case() -> None:
    connection = selected(STATUS_OF_A, commands.status(b"INBOX", [StatusAttribute.SIZE]))

    (event,) = receive(connection, b"* STATUS Inbox (SIZE 1)\r\n")

    assert event.tag == "A4"


def test_subscriptions_and_mailboxes_are_kept_apart() -> None:
    connection = selected(LIST, commands.lsub())

    events = receive(connection, b'* LSUB () "/" x\r\n* LIST () "/" x\r\n')

    assert [event.tag for event in events] == ["A4", "A3"]


def test_names_are_utf8_once_the_server_said_so() -> None:
    connection = logged_in()
    listed = b'* LIST () "/" "&AOQ-"\r\n'
    connection.send(commands.enable("UTF8=ACCEPT"))

    events = receive(connection, listed + b"* ENABLED UTF8=ACCEPT\r\nA2 OK\r\n" + listed)

    names = [event.value.name for event in events if isinstance(event.value, ListItem)]
    assert names == [MailboxName(("ä",)), MailboxName(("&AOQ-",))]
    assert connection.enabled == {"UTF8=ACCEPT"}
    assert connection.mailbox_name(b"a/&", "/") == MailboxName(("a", "&"))


def test_nothing_is_enabled_that_was_not_asked_for() -> None:
    connection = logged_in()

    receive(connection, b"* ENABLED UTF8=ACCEPT\r\n")

    assert connection.enabled == frozenset()


# Dialogues


def test_a_dialogue_of_authenticate_is_in_base64() -> None:
    connection = greeted()
    connection.send(commands.authenticate("CRAM-MD5"))
    assert connection.outgoing() == b"A1 AUTHENTICATE CRAM-MD5\r\n"

    assert receive(connection, b"+ PDE+\r\n") == [Event(Continuation(b"PDE+"), "A1")]
    connection.respond(b"user digest")

    assert connection.outgoing() == b"dXNlciBkaWdlc3Q=\r\n"
    receive(connection, b"A1 OK [CAPABILITY x] in\r\n")
    assert connection.state is State.AUTHENTICATED


def test_a_dialogue_can_be_broken_off() -> None:
    connection = greeted()
    connection.send(commands.authenticate("CRAM-MD5"))
    connection.outgoing()
    receive(connection, b"+ \r\n")

    connection.cancel()

    assert connection.outgoing() == b"*\r\n"


def test_an_answer_is_given_only_when_asked() -> None:
    connection = greeted()
    connection.send(commands.authenticate("CRAM-MD5"))

    with pytest.raises(ValueError, match="does not wait"):
        connection.respond(b"x")
    receive(connection, b"+ \r\n")
    connection.respond(b"x")
    with pytest.raises(ValueError, match="does not wait"):
        connection.respond(b"x")


@pytest.mark.parametrize(
    ("initial", "sent"),
    [(b"\0u\0p", b"A1 AUTHENTICATE PLAIN AHUAcA==\r\n"), (b"", b"A1 AUTHENTICATE PLAIN =\r\n")],
)
def test_an_initial_response_goes_at_once_where_offered(initial: bytes, sent: bytes) -> None:
    connection = greeted(b"IMAP4rev1 SASL-IR")

    connection.send(commands.authenticate("PLAIN", initial))

    assert connection.outgoing() == sent


@pytest.mark.parametrize(
    ("capabilities", "initial"),
    [(b"IMAP4rev1", b"\0u\0p"), (b"SASL-IR", b"x" * 7000)],
    ids=["not offered", "too long for a line"],
)
def test_an_initial_response_waits_where_it_must(capabilities: bytes, initial: bytes) -> None:
    connection = greeted(capabilities)
    connection.send(commands.authenticate("PLAIN", initial))
    assert connection.outgoing() == b"A1 AUTHENTICATE PLAIN\r\n"

    assert receive(connection, b"+ \r\n") == []

    assert len(connection.outgoing()) >= len(initial)


def test_idle_ends_with_done() -> None:
    connection = selected(commands.idle())
    assert [event.tag for event in receive(connection, b"+ idling\r\n")] == ["A3"]
    receive(connection, b"* 5 EXISTS\r\n")

    connection.done()

    assert connection.outgoing() == b"DONE\r\n"
    receive(connection, b"A3 OK\r\n")
    assert connection.in_flight == {}


def test_done_waits_until_idle_has_begun() -> None:
    connection = selected(commands.idle())

    connection.done()
    assert connection.outgoing() == b""
    receive(connection, b"+ idling\r\n")

    assert connection.outgoing() == b"DONE\r\n"


def test_done_without_idle_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="IDLE"):
        selected().done()


def test_octets_behind_the_ok_of_compress_are_left_to_the_caller() -> None:
    connection = logged_in()
    connection.send(commands.compress())
    deflated = b"\x12\x34\r\n* 1 EXISTS\r\n"

    events = receive(connection, b"A2 OK deflating\r\n" + deflated)

    assert [type(event.value) for event in events] == [Tagged]
    assert connection.unread() == deflated
    assert len(receive(connection, b"* 1 EXISTS\r\n")) == 1


def test_free_text_cannot_steer_a_terminal() -> None:
    connection = selected(NOOP)

    (event,) = receive(
        connection, b"A3 NO \x1b[2J\x07 \xc3\xa4 \xff\xc2\x9b" + b"x" * 9000 + b"\r\n"
    )

    assert isinstance(event.value, Tagged)
    assert event.value.text.startswith("�[2J� ä ��x")
    assert len(event.value.text) <= 2000


def test_events_before_a_violation_are_not_lost() -> None:
    events, survived = feed(selected(NOOP), [b"* 1 EXISTS\r\nA3 OK\r\n?\r\n"])

    assert (len(events), survived) == (2, False)
