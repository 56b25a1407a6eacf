"""The last line of a migration says how to go on, and its exit code says it to scripts."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mailvault.cli.migrate_report import is_complete, migrate_json, migrate_lines, next_step
from mailvault.errors import AccountSuspended, ConnectionLost, LoginRefused, MailvaultError
from mailvault.mail.model import INBOX, Digest, MailboxName
from mailvault.operations.migrate import MigrationReport
from mailvault.operations.reports import AccountReport, MailboxReport, SyncReport
from mailvault.operations.restore_report import Refusal, RestoredMailbox, RestoreReport
from mailvault.operations.side_by_side import Differences, Held, Sides
from tests.unit.cli.program import Json

SENT = MailboxName(("Sent",))
LEVEL = SyncReport(None, (AccountReport("old", (MailboxReport(INBOX, arrived=3),)),))
DONE = RestoreReport((RestoredMailbox(INBOX, INBOX, appended=3, octets=300),))
BOTH = Sides((INBOX,), INBOX, Held(3, 300), Held(3, 300), moved=3)
WHOLE = MigrationReport("old", "new", LEVEL, DONE, (BOTH,))
LATER = AccountSuspended("the daily limit is reached", until=datetime(2030, 1, 2, tzinfo=UTC))


def synced(error: MailvaultError) -> SyncReport:
    return replace(LEVEL, accounts=(replace(LEVEL.accounts[0], error=error),))


@pytest.mark.parametrize(
    ("report", "code", "words"),
    [
        (WHOLE, 0, "Everything of old is at new."),
        (
            replace(WHOLE, sides=(replace(BOTH, moved=0),)),
            0,
            "Nothing new at old: everything is at new.",
        ),
        (
            replace(WHOLE, synced=synced(LoginRefused("no"))),
            11,
            "This is not all yet. Run the same command again, later if a server asked",
        ),
        (
            replace(WHOLE, restored=replace(DONE, error=ConnectionLost("gone"))),
            10,
            "This is not all yet.",
        ),
        (
            replace(WHOLE, restored=replace(DONE, error=LATER)),
            3,
            "This is not all yet. Run the same command again after 2030-01-0",
        ),
        (MigrationReport("old", "new", LEVEL), 0, "This is not all yet."),
        (
            replace(WHOLE, sides=(replace(BOTH, differences=Differences(missing=1)),)),
            3,
            "Some messages are not at new.",
        ),
        (
            replace(WHOLE, restored=replace(DONE, is_dry_run=True)),
            0,
            "Nothing was changed. 3 messages would be moved from old to new, and 3 more",
        ),
    ],
)
def test_the_next_step_is_said(report: MigrationReport, code: int, words: str) -> None:
    assert next_step(report).startswith(words)
    assert list(migrate_lines(report))[-1] == next_step(report)
    assert report.exit_code == code
    assert is_complete(report) == words.startswith(("Everything", "Nothing new"))


def test_what_is_refused_is_named_with_its_reason() -> None:
    digest = Digest.of(b"x")
    refused = replace(DONE, refused=(Refusal(digest, INBOX, "too large"),))

    lines = list(migrate_lines(replace(WHOLE, restored=refused)))

    assert f"INBOX: {str(digest)[:16]} too large" in lines
    assert "--rejects" in lines[-1]


def test_both_sides_stand_next_to_each_other() -> None:
    other = Sides((SENT,), MailboxName(("Sent Items",)), Held(2, 2048), None, error=None)
    uneven = replace(BOTH, differences=Differences(only_new=1, resized=2), taken_away=3)

    lines = list(migrate_lines(replace(WHOLE, sides=(uneven, other))))

    words = [" ".join(line.split()) for line in lines[:4]]
    assert words == [
        "mailbox old new moved now differences",
        (
            "INBOX 3 300 B 3 300 B 3 1 only there, 2 of another size, "
            "3 moved or deleted there since"
        ),
        "Sent -> Sent Items 2 2.0 KiB - 0",
        "all 5 2.3 KiB 3 300 B 3 none",
    ]


def test_json_has_all_of_it() -> None:
    printed: Json = dict(migrate_json(WHOLE))

    assert (printed["complete"], printed["old"], printed["new"]) == (True, "old", "new")
    (side,) = printed["mailboxes"]
    assert side["old"] == side["new"] == {"messages": 3, "octets": 300}
