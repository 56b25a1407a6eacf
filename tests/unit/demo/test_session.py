"""The demonstration server's side of a conversation, octet by octet."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.demo.mailbox import ServedAccount
from mailvault.demo.session import EXTENSIONS, Session, State
from tests.flags import build_flags

WHEN = datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.fixture
def account() -> ServedAccount:
    served = ServedAccount("nora", "orchard")
    inbox = served.create("INBOX")
    for number in range(1, 6):
        inbox.append(
            b"Message-ID: <%d@x>\r\nSubject: %d\r\n\r\nBody %d\r\n" % (number, number, number),
            flags=["\\Seen"] if number % 2 else [],
            internal_date=WHEN,
        )
    served.create("Sent", special_use="\\Sent")
    served.create("Grüße & Co/2024")
    return served


@pytest.fixture
def session(account: ServedAccount) -> Session:
    opened = Session(account)
    ask(opened, b"LOGIN nora orchard")
    return opened


def ask(session: Session, command: bytes) -> bytes:
    """Send one command and return everything answered to it."""
    return b"".join(session.receive(b"t " + command + b"\r\n"))


def test_the_greeting_says_what_the_server_can_do(account: ServedAccount) -> None:
    greeting = Session(account).greeting()

    assert greeting.startswith(b"* OK [CAPABILITY IMAP4rev1 ")
    assert all(extension in greeting for extension in EXTENSIONS)


def test_a_wrong_password_is_refused(account: ServedAccount) -> None:
    session = Session(account)

    assert ask(session, b"LOGIN nora wrong").startswith(b"t NO [AUTHENTICATIONFAILED]")
    assert session.state is State.NOT_AUTHENTICATED


def test_nothing_is_listed_before_the_login(account: ServedAccount) -> None:
    assert ask(Session(account), b'LIST "" "*"') == b"t BAD not in this state\r\n"


@pytest.mark.parametrize(
    "conversation",
    [
        pytest.param([b"t AUTHENTICATE PLAIN AG5vcmEAb3JjaGFyZA==\r\n"], id="initial response"),
        pytest.param(
            [b"t AUTHENTICATE PLAIN\r\n", b"AG5vcmEAb3JjaGFyZA==\r\n"], id="asked for"
        ),
        pytest.param([b"t LOGIN {4}\r\n", b"nora {7}\r\n", b"orchard\r\n"], id="literals"),
        pytest.param([b"t LOGIN {4+}\r\nnora {7+}\r\norchard\r\n"], id="LITERAL+"),
        pytest.param([b't LOGIN "nora" "orchard"\r\n'], id="quoted"),
    ],
)
def test_a_login_is_understood(account: ServedAccount, conversation: list[bytes]) -> None:
    session = Session(account)

    answers = [b"".join(session.receive(octets)) for octets in conversation]

    assert answers[-1] == b"t OK Done\r\n"
    assert all(answer.startswith(b"+ ") for answer in answers[:-1])
    assert session.state is State.AUTHENTICATED


def test_octets_may_come_one_at_a_time(account: ServedAccount) -> None:
    session = Session(account)
    conversation = (
        b't LOGIN {4+}\r\nnora "orchard"\r\nt EXAMINE inbox\r\nt UID FETCH 2 FLAGS\r\n'
    )

    answer = b"".join(
        piece for octet in conversation for piece in session.receive(bytes([octet]))
    )

    assert answer.endswith(b"* 2 FETCH (UID 2 FLAGS ())\r\nt OK Done\r\n")


def test_list_gives_names_in_modified_utf7_with_their_special_use(session: Session) -> None:
    answer = ask(session, b'LIST "" "*"')

    assert b'* LIST (\\HasNoChildren \\Subscribed \\Sent) "/" "Sent"\r\n' in answer
    assert b'"/" "Gr&APwA3w-e &- Co/2024"\r\n' in answer


def test_a_percent_sign_stays_on_one_level(session: Session) -> None:
    assert b"2024" not in ask(session, b'LIST "" %')


def test_list_extended_answers_with_status(session: Session) -> None:
    answer = ask(
        session, b'LIST (SUBSCRIBED) "" "*" RETURN (CHILDREN STATUS (MESSAGES UIDNEXT))'
    )

    assert b'* STATUS "INBOX" (MESSAGES 5 UIDNEXT 6)\r\n' in answer


def test_an_extension_that_is_switched_off_is_bad(account: ServedAccount) -> None:
    session = Session(account, extensions=[])
    ask(session, b"LOGIN nora orchard")

    assert b"t BAD" in ask(session, b'LIST "" "*" RETURN (STATUS (MESSAGES))')


def test_examine_says_all_that_a_copy_needs(session: Session) -> None:
    answer = ask(session, b"EXAMINE INBOX")

    assert b"* 5 EXISTS\r\n" in answer
    assert b"[UIDVALIDITY 1700000001]" in answer
    assert b"[UIDNEXT 6]" in answer
    assert b"[HIGHESTMODSEQ 6]" in answer


def test_examining_a_mailbox_that_is_not_there_is_refused(session: Session) -> None:
    assert ask(session, b"EXAMINE Nowhere").startswith(b"t NO [NONEXISTENT]")
    assert session.state is State.AUTHENTICATED


def test_a_body_comes_as_the_very_octets(session: Session) -> None:
    ask(session, b"EXAMINE INBOX")

    answer = ask(session, b"UID FETCH 3 (BODY.PEEK[])")

    body = b"Message-ID: <3@x>\r\nSubject: 3\r\n\r\nBody 3\r\n"
    expected = b"* 3 FETCH (UID 3 BODY[] {%d}\r\n%b)\r\nt OK Done\r\n" % (len(body), body)
    assert answer == expected


def test_header_fields_and_parts_of_a_body_are_served(session: Session) -> None:
    ask(session, b"EXAMINE INBOX")

    answer = ask(session, b"UID FETCH 4 (BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)] BODY[]<2.5>)")

    assert b"BODY[HEADER.FIELDS (MESSAGE-ID)] {21}\r\nMessage-ID: <4@x>\r\n\r\n" in answer
    assert b"BODY[]<2> {5}\r\nssage" in answer


def test_a_date_comes_as_rfc_9051_writes_it(session: Session) -> None:
    ask(session, b"EXAMINE INBOX")

    assert b'INTERNALDATE "03-Feb-2024 04:05:06 +0000"' in ask(session, b"FETCH 1 INTERNALDATE")


def test_a_uid_range_beyond_the_last_message_gives_the_last(session: Session) -> None:
    """RFC 9051 6.4.8: clients must expect it, so ours has to be tried with it."""
    ask(session, b"EXAMINE INBOX")

    assert ask(session, b"UID SEARCH UID 100:*") == b"* SEARCH 5\r\nt OK Done\r\n"


def test_esearch_names_the_command_it_answers(session: Session) -> None:
    ask(session, b"EXAMINE INBOX")

    answer = ask(session, b"UID SEARCH RETURN (ALL) UID 2:4")

    assert answer == b'* ESEARCH (TAG "t") UID ALL 2:4\r\nt OK Done\r\n'


def test_changedsince_gives_only_what_changed_and_what_vanished(
    session: Session, account: ServedAccount
) -> None:
    ask(session, b"ENABLE QRESYNC")
    inbox = account.mailbox("INBOX")
    before = inbox.highestmodseq
    inbox.set_flags(next(iter(inbox.messages)), ["\\Flagged"])
    inbox.expunge(list(inbox.messages)[1])
    ask(session, b"EXAMINE INBOX")

    answer = ask(session, b"UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d VANISHED)" % before)

    assert answer == (
        b"* VANISHED (EARLIER) 2\r\n"
        b"* 1 FETCH (UID 1 FLAGS (\\Flagged) MODSEQ (7))\r\n"
        b"t OK Done\r\n"
    )


def test_a_resynchronising_examine_tells_all_news_at_once(
    session: Session, account: ServedAccount
) -> None:
    ask(session, b"ENABLE QRESYNC")
    inbox = account.mailbox("INBOX")
    inbox.expunge(list(inbox.messages)[4])

    answer = ask(session, b"EXAMINE INBOX (QRESYNC (1700000001 6))")

    assert b"* VANISHED (EARLIER) 5\r\n" in answer


def test_an_open_mailbox_keeps_its_numbers_until_the_client_asks(
    session: Session, account: ServedAccount
) -> None:
    ask(session, b"EXAMINE INBOX")
    inbox = account.mailbox("INBOX")
    inbox.expunge(list(inbox.messages)[1])
    inbox.append(b"\r\n", flags=[], internal_date=WHEN)

    assert b"* 3 FETCH (UID 3" in ask(session, b"FETCH 3 UID")
    assert ask(session, b"NOOP") == b"* 2 EXPUNGE\r\n* 5 EXISTS\r\nt OK Done\r\n"


@pytest.mark.parametrize(
    "command",
    [b"STORE 1 +FLAGS (\\Deleted)", b"EXPUNGE", b"APPEND INBOX {1+}\r\nx", b"DELETE INBOX"],
)
def test_nothing_can_be_changed_over_the_wire(session: Session, command: bytes) -> None:
    ask(session, b"SELECT INBOX")

    assert b"t BAD" in ask(session, command)


@pytest.mark.parametrize(
    "octets",
    [b"t NOOP" + b"x" * 10_000, b"t LOGIN {99999999}\r\n", b"t LOGIN {5000+}\r\n"],
    ids=["endless line", "huge literal", "huge literal without asking"],
)
def test_a_client_that_sends_too_much_is_sent_away(session: Session, octets: bytes) -> None:
    assert b"".join(session.receive(octets)).startswith(b"* BYE")
    assert session.is_over


def test_a_client_that_talks_nonsense_is_sent_away_in_the_end(session: Session) -> None:
    answers = [ask(session, b'"((') for _ in range(20)]

    assert answers[0].startswith(b"t BAD")
    assert session.is_over


WORDS = st.sampled_from(
    [b"t", b"UID", b"FETCH", b"EXAMINE", b"INBOX", b"LIST", b"RETURN", b"STATUS", b"SEARCH",
     b"(", b")", b'"', b"{3+}", b"\r\n", b" ", b"1:*", b"*", b"0", b"BODY[", b"]", b"ENABLE",
     b"QRESYNC", b"CHANGEDSINCE", b"\\", b"%", b"\x00", b"\xff", b"AUTHENTICATE", b"PLAIN"]
)  # fmt: skip


@given(st.lists(WORDS | st.binary(max_size=4), max_size=60))
def test_no_octets_break_it(pieces: list[bytes]) -> None:
    account = ServedAccount("nora", "orchard")
    account.create("INBOX").append(b"x", flags=[], internal_date=WHEN)
    session = Session(account)
    session.receive(b"a LOGIN nora orchard\r\nb ENABLE QRESYNC\r\nc EXAMINE INBOX\r\n")

    answer = b"".join(session.receive(b" ".join(pieces) + b"\r\n"))

    assert not answer or answer.endswith(b"\r\n")


@pytest.fixture
def writer(account: ServedAccount) -> Session:
    opened = Session(account, is_writable=True)
    ask(opened, b"LOGIN nora orchard")
    return opened


def test_a_message_is_added_with_flags_and_date(
    writer: Session, account: ServedAccount
) -> None:
    octets = b"Subject: new\r\n\r\n" + b"x" * 100_000 + b"\r\n"
    command = b't APPEND "Sent" (\\seen $Label) " 3-Feb-2024 04:05:06 +0530" {%d+}\r\n%b\r\n'

    answer = b"".join(writer.receive(command % (len(octets), octets)))

    (message,) = account.mailbox("Sent").messages.values()
    assert answer == b"t OK [APPENDUID %d 1] Done\r\n" % account.mailbox("Sent").uidvalidity
    assert (message.octets, message.flags) == (octets, build_flags("\\Seen", "$Label"))
    assert message.internal_date.isoformat() == "2024-02-03T04:05:06+05:30"


def test_a_mailbox_is_made_before_it_takes_mail(writer: Session) -> None:
    message = b"APPEND New/Box {5+}\r\nhello"

    assert ask(writer, message).startswith(b"t NO [TRYCREATE]")
    assert ask(writer, b"CREATE New/Box (USE (\\Archive))") == b"t OK Done\r\n"
    assert ask(writer, b"CREATE New/Box").startswith(b"t NO [ALREADYEXISTS]")
    assert ask(writer, b"SUBSCRIBE New/Box") == b"t OK Done\r\n"
    assert b" 1] Done" in ask(writer, message)
    assert b"\\Archive" in ask(writer, b'LIST "" New/*')


@pytest.mark.parametrize("command", [b"CREATE x", b"SUBSCRIBE Sent", b"APPEND Sent {1+}\r\nx"])
def test_nothing_is_added_where_that_is_not_allowed(session: Session, command: bytes) -> None:
    assert ask(session, command).startswith(b"t BAD unknown command")


@pytest.mark.parametrize(
    "arguments", [b"", b"Sent", b'Sent "1-Feb-2024" {1+}\r\nx', b"Sent (\\Odd) {1+}\r\nx"]
)
def test_an_append_that_makes_no_sense_is_refused(writer: Session, arguments: bytes) -> None:
    answer = ask(writer, b"APPEND " + arguments)

    assert answer.startswith((b"t BAD", b"t NO"))
