"""What we send is only what we mean to send."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mailvault.protocols.imap import commands
from mailvault.protocols.imap.commands import (
    MAX_LINE,
    Atom,
    Command,
    FetchItem,
    StatusAttribute,
    encode,
)
from mailvault.protocols.imap.uidset import UidSet

NOTHING: frozenset[str] = frozenset()
LITERAL_PLUS = frozenset({"LITERAL+"})
LITERAL_MINUS = frozenset({"LITERAL-"})


def line(command: Command) -> bytes:
    return b"".join(encode("A1", command, LITERAL_PLUS))


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
            pieces = encode("A1", command, NOTHING)
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

    assert encode("A1", command, NOTHING) == [b'A1 LOGIN "u" {3}\r\n', "pä\r\n".encode()]
    assert encode("A1", command, LITERAL_PLUS) == ['A1 LOGIN "u" {3+}\r\npä\r\n'.encode()]
    assert len(encode("A1", command, LITERAL_MINUS)) == 1


def test_literal_minus_takes_no_large_literal_unasked() -> None:
    command = commands.login("u", "x" * 4097)

    assert len(encode("A1", command, LITERAL_MINUS)) == 2
    assert len(encode("A1", command, LITERAL_PLUS | LITERAL_MINUS)) == 1


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
