"""For how long an account may go without a success."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailvault.config.freshness import success_limits
from mailvault.config.load import parse

NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)


def limit(lines: str) -> timedelta:
    text = (
        '[archive]\npath = "archive"\n[accounts.work]\nprotocol = "imap"\n'
        f'host = "localhost"\nuser = "me"\n{lines}\n'
    )
    configuration = parse(text.encode(), Path("mailvault.toml"), is_private=True)
    return timedelta(seconds=success_limits(configuration, NOW, UTC)["work"])


@pytest.mark.parametrize(
    ("lines", "days"),
    [
        ("", 3),
        ('[schedule]\nsync = "15m"', 3),
        ('[schedule]\nsync = "@weekly"', 8),
        ('[schedule]\nsync = "30 2 * * 1-5"', 4),
        ('[schedule]\nsync = "@monthly"', 32),
        ('schedule = "@weekly"\n[schedule]\nsync = "15m"', 8),
        ('[schedule]\nsync = "@weekly"\n[notify]\nno_success_for = "2d"', 2),
    ],
)
def test_the_limit_leaves_room_for_the_longest_pause_of_the_schedule(
    lines: str, days: int
) -> None:
    assert limit(lines) == timedelta(days=days)
