"""Which answer belongs to which question, and what nobody asked for."""

import pytest

from mailvault.mail.model import MailboxName
from mailvault.protocols.imap import commands
from mailvault.protocols.imap.commands import Command, FetchItem, StatusAttribute
from mailvault.protocols.imap.types import (
    Fetch,
    ListItem,
    StatusItem,
    Tagged,
)
from tests.unit.protocols.conversation import (
    LIST,
    NOOP,
    Sinks,
    feed,
    fetch,
    logged_in,
    receive,
    selected,
)

STATUS_OF_A = commands.status(b"a", [StatusAttribute.MESSAGES])
STATUS_OF_B = commands.status(b"b", [StatusAttribute.MESSAGES])


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
