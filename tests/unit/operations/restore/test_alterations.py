"""What a server stored otherwise than it was told is found by reading back."""

import re

import pytest

from mailvault.archive.archive import Archive
from mailvault.demo.mailbox import ServedAccount
from tests.unit.operations.restore.bent_target import (
    PutBack,
    appended,
    bodies,
    is_append,
    keep,
    octets_of,
)


def munged(octets: bytes) -> bytes:
    """As Cyrus stores it: octets above ASCII in the header become X."""
    head, blank, body = octets.partition(b"\r\n\r\n")
    return re.sub(rb"[\x80-\xff]", b"X", head) + blank + body


@pytest.mark.parametrize("is_journal_lost", [False, True], ids=["journal", "no journal"])
def test_a_message_the_server_altered_is_known_again_and_named(
    put_back: PutBack, target: ServedAccount, archive: Archive, is_journal_lost: bool
) -> None:
    keep(archive, b"Subject: \xe4\xf6\xfc\r\n\r\nx\r\n", b"Message-ID: <\xe4>\r\n\r\nx\xff\r\n")

    def munge(command: bytes) -> bytes:
        if not is_append(command):
            return command
        line, rest = command.split(b"\r\n", 1)
        return (
            line
            + b"\r\n"
            + re.sub(rb"(?<=Subject: |age-ID: <)[\x80-\xff]+", lambda m: b"X" * len(m[0]), rest)
        )

    first = put_back(translate=munge)
    if is_journal_lost:
        for path in (archive.path / "restores").rglob("*.jsonl"):
            path.unlink()
    again = put_back(translate=munge)

    assert len(bodies(target)) == 2
    assert {each.how for each in first.altered} == {"octets above ASCII in the header became X"}
    assert first.exit_code == 0
    assert appended(again) == 0


def test_an_alteration_nobody_can_explain_is_suspicious(
    put_back: PutBack, archive: Archive
) -> None:
    keep(archive, b"A: b\r\n\r\nthe whole of it\r\n")

    report = put_back(
        translate=lambda command: command.replace(b"the whole of it", b"a part of it...")
    )

    assert [each.is_known for each in report.altered] == [False]
    assert report.exit_code == 3


def test_a_server_that_forgets_a_flag_is_told_on(put_back: PutBack, archive: Archive) -> None:
    keep(archive, octets_of(1), flags="\\Seen \\Flagged")

    def forget(command: bytes) -> bytes:
        return command.replace(b"\\Flagged ", b"") if is_append(command) else command

    report = put_back(translate=forget)

    assert [each.how for each in report.altered] == ["flags were lost: \\flagged"]
