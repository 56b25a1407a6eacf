"""What we send is only what we mean to send."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mailvault.mail.model import Flag
from mailvault.protocols.imap import commands, writing
from mailvault.protocols.imap.commands import Atom, Command, FetchItem, StatusAttribute
from mailvault.protocols.imap.encoder import MAX_LINE, encode
from mailvault.protocols.imap.types import ResponseCode
from mailvault.protocols.imap.uidset import UidSet
from mailvault.protocols.imap.writing import Appended, append_uids

NOTHING: frozenset[str] = frozenset()
LITERAL_PLUS = frozenset({"LITERAL+"})
LITERAL_MINUS = frozenset({"LITERAL-"})


def pieces_of(command: Command, capabilities: frozenset[str]) -> list[bytes]:
    """The octets of a command, cut where the server must be asked for more."""
    pieces = [b""]
    for octets, waits in encode("A1", command, capabilities):
        assert isinstance(octets, bytes)
        if waits:
            pieces.append(b"")
        pieces[-1] += octets
    return pieces


def line(command: Command) -> bytes:
    (whole,) = pieces_of(command, LITERAL_PLUS)
    return whole


def appended(octets: bytes, *flags: str) -> Appended:
    zone = timezone(-timedelta(hours=3, minutes=30))
    return Appended(octets, frozenset(map(Flag, flags)), datetime(2026, 1, 5, 12, tzinfo=zone))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (commands.capability(), b"CAPABILITY"),
        (commands.noop(), b"NOOP"),
        (commands.logout(), b"LOGOUT"),
        (commands.starttls(), b"STARTTLS"),
        (commands.identify(), b"ID NIL"),
        (commands.identify([("name", "x")]), b'ID ("name" "x")'),
        (commands.login("u", 'p"\\'), b'LOGIN "u" "p\\"\\\\"'),
        (commands.authenticate("SCRAM-SHA-256"), b"AUTHENTICATE SCRAM-SHA-256"),
        (commands.enable("QRESYNC", "UTF8=ACCEPT"), b"ENABLE QRESYNC UTF8=ACCEPT"),
        (commands.compress(), b"COMPRESS DEFLATE"),
        (commands.namespace(), b"NAMESPACE"),
        (commands.list_mailboxes(), b'LIST "" "*"'),
        (commands.lsub(), b'LSUB "" "*"'),
        (
            commands.list_extended(
                subscribed=True, special_use=True, status=[StatusAttribute.UIDNEXT]
            ),
            b'LIST "" "*" RETURN (CHILDREN SUBSCRIBED SPECIAL-USE STATUS (UIDNEXT))',
        ),
        (
            commands.status(b"a b", [StatusAttribute.MESSAGES, StatusAttribute.SIZE]),
            b'STATUS "a b" (MESSAGES SIZE)',
        ),
        (writing.create(b"a"), b'CREATE "a"'),
        (writing.create(b"a", "\\Sent"), b'CREATE "a" (USE (\\Sent))'),
        (writing.subscribe(b"a b"), b'SUBSCRIBE "a b"'),
        (writing.get_quota_root(b"INBOX"), b'GETQUOTAROOT "INBOX"'),
        (
            writing.append(b"x", [appended(b"a\r\n", "\\Seen", "$A")]),
            b'APPEND "x" ($A \\Seen) "05-Jan-2026 12:00:00 -0330" {3+}\r\na\r\n',
        ),
        (
            writing.append(b"x", [appended(b"a"), appended(b"", "\\Seen")]),
            (
                b'APPEND "x" "05-Jan-2026 12:00:00 -0330" {1+}\r\na (\\Seen) "05-Jan-2026'
                b' 12:00:00 -0330" {0+}\r\n'
            ),
        ),
        (
            writing.append(b"x", [appended(b"\xc3\xa4")], is_utf8=True),
            b'APPEND "x" "05-Jan-2026 12:00:00 -0330" UTF8 (~{2+}\r\n\xc3\xa4)',
        ),
        (commands.examine(b"INBOX"), b'EXAMINE "INBOX"'),
        (commands.examine(b"x", condstore=True), b'EXAMINE "x" (CONDSTORE)'),
        (commands.select(b"x", qresync=(1, 2)), b'SELECT "x" (QRESYNC (1 2))'),
        (commands.close(), b"CLOSE"),
        (commands.unselect(), b"UNSELECT"),
        (commands.idle(), b"IDLE"),
        (commands.uid_search(UidSet.of([1, 2]), esearch=False), b"UID SEARCH UID 1:2"),
        (
            commands.uid_search(UidSet.of([1]), esearch=True),
            b"UID SEARCH RETURN (ALL) UID 1",
        ),
        (
            commands.uid_fetch(UidSet.of([1, 3]), [FetchItem.BODY, FetchItem.MESSAGE_ID]),
            b"UID FETCH 1,3 (BODY.PEEK[] BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])",
        ),
        (
            commands.uid_fetch(
                UidSet.of([1]), [FetchItem.FLAGS], changed_since=7, vanished=True
            ),
            b"UID FETCH 1 (FLAGS) (CHANGEDSINCE 7 VANISHED)",
        ),
    ],
)
def test_a_command_is_written_by_the_book(command: Command, expected: bytes) -> None:
    assert line(command) == b"A1 " + expected + b"\r\n"


@given(st.binary(max_size=1500))
def test_a_string_never_becomes_a_command(name: bytes) -> None:
    assume(b"\0" not in name)
    wire = line(commands.examine(name))

    body = wire.removeprefix(b"A1 EXAMINE ").removesuffix(b"\r\n")
    if body.startswith(b'"'):
        assert all(0x20 <= octet < 0x7F for octet in body)
        assert body[1:-1].replace(b"\\\\", b"").replace(b'\\"', b"").count(b'"') == 0
    else:
        assert body == b"{%d+}\r\n%s" % (len(name), name)


@given(st.binary(max_size=50), st.text(max_size=50), st.text(max_size=50))
def test_what_others_chose_adds_no_line_and_no_nul(
    mailbox: bytes, user: str, password: str
) -> None:
    for command in (
        commands.examine(mailbox),
        commands.status(mailbox, [StatusAttribute.UIDNEXT]),
        commands.login(user, password),
    ):
        try:
            pieces = pieces_of(command, NOTHING)
        except ValueError:
            continue
        # Every piece but the last ends by announcing exactly the octets that begin the next.
        assert pieces[-1].endswith(b"\r\n")
        rest = pieces[0]
        for piece in pieces[1:]:
            size = int(rest[rest.rindex(b"{") + 1 : -3])
            assert rest.count(b"\r\n") == 1
            rest = piece[size:]
        assert rest.count(b"\r\n") == 1
        assert rest.count(b"\n") == rest.count(b"\r") == 1
        assert b"\0" not in b"".join(pieces)


@pytest.mark.parametrize("text", ["", "a b", "a\r\n", "a\n", "é", "(", "a{3}", 'x"', "1\r"])
def test_an_atom_is_one_word(text: str) -> None:
    with pytest.raises(ValueError, match="not an atom"):
        Atom(text)


def test_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        line(commands.examine(b"a\0b"))


def test_a_literal_waits_for_the_server_unless_it_offers_not_to() -> None:
    command = commands.login("u", "pä")

    assert pieces_of(command, NOTHING) == [b'A1 LOGIN "u" {3}\r\n', "pä\r\n".encode()]
    assert pieces_of(command, LITERAL_PLUS) == ['A1 LOGIN "u" {3+}\r\npä\r\n'.encode()]
    assert len(pieces_of(command, LITERAL_MINUS)) == 1


def test_literal_minus_takes_no_large_literal_unasked() -> None:
    command = commands.login("u", "x" * 4097)

    assert len(pieces_of(command, LITERAL_MINUS)) == 2
    assert len(pieces_of(command, LITERAL_PLUS | LITERAL_MINUS)) == 1


def test_a_line_too_long_for_servers_is_refused() -> None:
    scattered = UidSet.of(range(1_000_000, 1_010_000, 2))

    with pytest.raises(ValueError, match="8000"):
        line(commands.uid_fetch(scattered, [FetchItem.FLAGS]))


def test_sets_split_by_length_make_lines_that_fit() -> None:
    scattered = UidSet.of(range(1_000_000, 1_010_000, 2))

    lines = [
        line(commands.uid_fetch(part, list(FetchItem)))
        for part in scattered.split_encoded(MAX_LINE - 500)
    ]

    assert all(len(one) <= MAX_LINE for one in lines)


def test_a_secret_is_never_shown() -> None:
    for command in (commands.login("u", "canary"), commands.authenticate("PLAIN", b"canary")):
        assert "canary" not in repr(command) + repr(command.arguments)


def test_a_message_waits_for_the_server_unless_it_offers_not_to() -> None:
    command = writing.append(b"x", [appended(b"one"), appended(b"two")])

    asked = pieces_of(command, NOTHING)

    assert [piece[:3] for piece in asked] == [b"A1 ", b"one", b"two"]
    assert asked[0].endswith(b" {3}\r\n")
    assert asked[1].endswith(b" {3}\r\n")
    assert len(pieces_of(command, LITERAL_MINUS)) == 1


def test_large_mail_makes_no_line_too_long() -> None:
    command = writing.append(b"x", [appended(b"x" * MAX_LINE, "\\Seen")] * 100)

    assert len(line(command)) > 100 * MAX_LINE


@pytest.mark.parametrize(
    "flag", ["", "\\", "a b", "a\r\n", "(", "\\*", "%", '"', "\u00e4", "]"]
)
def test_what_is_no_flag_is_never_written(flag: str) -> None:
    with pytest.raises(ValueError, match="not a flag"):
        writing.append(b"x", [appended(b"one", flag)])


@pytest.mark.parametrize(
    ("arguments", "count", "expected"),
    [
        (b"7 3", 1, (7, [3])),
        (b"7 3:5", 3, (7, [3, 4, 5])),
        (b"7 9,3:4", 3, (7, [9, 3, 4])),
        (b"7 3:5", 2, None),
        (b"7 3", 2, None),
        (b"7 1:4294967295", 2, None),
        (b"7 99999999999", 1, None),
        (b"7", 1, None),
        (b"7 *", 1, None),
        (b"", 1, None),
    ],
)
def test_the_uids_of_an_append_are_believed_only_if_they_can_be(
    arguments: bytes, count: int, expected: tuple[int, list[int]] | None
) -> None:
    assert append_uids(ResponseCode("APPENDUID", arguments), count) == expected
