"""Servers that are busy or gone in the middle: what was under way is settled."""

from collections import Counter

import pytest

from mailvault.archive.archive import Archive
from mailvault.demo.mailbox import ServedAccount
from mailvault.errors import ConnectionLost, ServerBusy
from mailvault.mail.model import MailboxName
from tests.servers.bent import HangUp
from tests.unit.operations.restore.bent_target import (
    COUNT,
    PatientClock,
    PutBack,
    appended,
    bodies,
    is_append,
    keep,
    octets_of,
    refusing,
)


def test_a_mailbox_that_went_away_is_made_again(
    put_back: PutBack, target: ServedAccount, archive: Archive
) -> None:
    away = MailboxName(("Away",))
    keep(archive, *map(octets_of, range(1, 6)), name=away)
    removed: list[bytes] = []

    def remove(command: bytes) -> bytes | None:
        if is_append(command) and not removed:
            target.delete("Away")
            removed.append(command)
        return None

    report = put_back(refuse=remove)

    assert bodies(target, "Away") == [octets_of(number) for number in range(1, 6)]
    assert not report.refused


def test_a_busy_server_is_waited_for(
    put_back: PutBack, target: ServedAccount, twenty: list[bytes], clock: PatientClock
) -> None:
    answers = [
        b"NO Request is throttled. Suggested Backoff Time: 299961 milliseconds",
        b"NO [UNAVAILABLE] Service temporarily unavailable",
    ]

    def busy(command: bytes) -> bytes | None:
        return answers.pop() if is_append(command) and answers else None

    report = put_back(refuse=busy)

    assert Counter(bodies(target)) == Counter(twenty)
    assert report.exit_code == 0
    assert 299.961 in clock.waits


def test_a_server_that_stays_busy_ends_the_restore_and_keeps_what_it_took(
    put_back: PutBack, target: ServedAccount, twenty: list[bytes]
) -> None:
    throttled = refusing(b"NO [THROTTLED] Later", having=b"number 9\r\n")

    report = put_back(refuse=throttled, withheld=(b"MULTIAPPEND",))

    assert isinstance(report.error, ServerBusy)
    assert report.exit_code == 10
    assert len(bodies(target)) == COUNT - 1
    assert appended(put_back()) == 1
    assert Counter(bodies(target)) == Counter(twenty)


@pytest.mark.parametrize("is_stored", [True, False], ids=["stored", "not stored"])
@pytest.mark.parametrize(
    "farewell", [b"* BYE [UNAVAILABLE] Bye\r\n", b""], ids=["BYE", "silent"]
)
def test_what_was_under_way_when_the_connection_broke_is_settled(
    put_back: PutBack,
    target: ServedAccount,
    twenty: list[bytes],
    is_stored: bool,
    farewell: bytes,
) -> None:
    broken: list[bytes] = []

    def hang_up(command: bytes, answer: list[bytes]) -> list[bytes]:
        if is_append(command) and b"number 9\r\n" in command and len(broken) < 2:
            broken.append(command)
            if not is_stored:
                inbox = target.mailbox("INBOX")
                for uid in [uid for uid, m in inbox.messages.items() if m.octets in command]:
                    inbox.expunge(uid)
            raise HangUp([farewell])
        return answer

    report = put_back(hang_up)

    assert broken
    assert Counter(bodies(target)) == Counter(twenty)
    assert appended(report) == COUNT
    assert report.exit_code == 0


def test_a_message_that_breaks_every_connection_is_left_alone(
    put_back: PutBack, target: ServedAccount, twenty: list[bytes]
) -> None:
    def poison(command: bytes) -> bytes | None:
        if is_append(command) and b"number 9\r\n" in command:
            raise HangUp
        return None

    report = put_back(refuse=poison)

    assert Counter(bodies(target)) == Counter(twenty) - Counter([twenty[8]])
    assert ["broke each time" in each.reason for each in report.refused] == [True]
    assert report.error is None


def test_a_server_that_is_gone_ends_the_restore_with_what_to_do(
    put_back: PutBack, target: ServedAccount, twenty: list[bytes]
) -> None:
    def gone(command: bytes) -> bytes | None:
        if b" APPEND " in command or b" EXAMINE " in command:
            raise HangUp
        return None

    report = put_back(refuse=gone)

    assert isinstance(report.error, ConnectionLost)
    assert report.exit_code == 10
