import pytest

from mailvault.mail.model import Cursor, MailboxState
from mailvault.protocols.imap.uidset import UidSet
from mailvault.sources.imap_cursor import ImapCursor


@pytest.mark.parametrize(
    "cursor",
    [
        ImapCursor(7),
        ImapCursor(4294967295, 4294967295, 2**63 - 1, 200_000),
        ImapCursor(1, 5, None, 0),
        ImapCursor(1, 5, None, 0, UidSet.of([1, 2, 3, 9])),
    ],
)
def test_a_cursor_is_read_as_it_was_written(cursor: ImapCursor) -> None:
    assert ImapCursor.parse(cursor.format()) == cursor


@pytest.mark.parametrize(
    "text", ["", "1", "1:2:3", "1:2:3:4:x", "1:2:3:4:", "a:b:c:d", "-:1:-:-", "1:-:-:-"]
)
def test_an_unreadable_cursor_starts_over(text: str) -> None:
    assert ImapCursor.parse(Cursor(text)) is None


def test_equal_numbers_mean_nothing_happened() -> None:
    cursor = ImapCursor(7, 10, 99, 4)

    assert cursor.is_level_with(MailboxState(7, 10, 4, 99))


@pytest.mark.parametrize(
    ("cursor", "state"),
    [
        pytest.param(ImapCursor(7, 10, None, 4), MailboxState(7, 10, 4, None), id="no-modseq"),
        pytest.param(ImapCursor(7, 10, 99), MailboxState(7, 10, None, 99), id="partial-pass"),
        pytest.param(ImapCursor(7, 10, 99, 4), MailboxState(8, 10, 4, 99), id="uidvalidity"),
        pytest.param(ImapCursor(7, 10, 99, 4), MailboxState(7, 11, 4, 99), id="uidnext"),
        pytest.param(ImapCursor(7, 10, 99, 4), MailboxState(7, 10, 3, 99), id="messages"),
        pytest.param(ImapCursor(7, 10, 99, 4), MailboxState(7, 10, 4, 100), id="modseq"),
        pytest.param(
            ImapCursor(7, 10, 99, 4, UidSet.of([2])), MailboxState(7, 10, 4, 99), id="asked"
        ),
        pytest.param(ImapCursor(7, 10, 99, 4), MailboxState(), id="server-tells-nothing"),
    ],
)
def test_anything_else_is_looked_into(cursor: ImapCursor, state: MailboxState) -> None:
    assert not cursor.is_level_with(state)
