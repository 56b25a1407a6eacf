"""Which accounts are late by their schedule."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mailvault.config.load import parse
from mailvault.monitoring.coming import late_accounts
from mailvault.schedule.due import Almanac
from tests.unit.monitoring.overviews import NOW, build_account

ACCOUNT = '[accounts.work]\nprotocol = "imap"\nhost = "h"\nuser = "u"\n'


@pytest.mark.parametrize(
    ("schedule", "hours", "is_late"),
    [
        ('sync = "15m"', 1, False),
        ('sync = "15m"', 1.5, True),
        ('sync = "@daily"', 11.5, False),
        ('sync = "@daily"', 12.5, True),
        ('sync = "15m"\nwindow = "22:00-06:00"', 6.1, False),
        ('sync = "15m"\nwindow = "22:00-06:00"', 15, True),
        ("", 1000, False),
    ],
    ids=[
        "in time",
        "late",
        "since midnight",
        "before midnight",
        "day off",
        "lost night",
        "never",
    ],
)
def test_an_account_is_late_an_hour_after_its_schedule(
    tmp_path: Path, schedule: str, hours: float, *, is_late: bool
) -> None:
    text = f'[archive]\npath = "a"\n{ACCOUNT}[schedule]\n{schedule}\n'
    settings = parse(text.encode(), tmp_path / "mailvault.toml", is_private=True)
    account = build_account("work", last_success=NOW - timedelta(hours=hours))

    late = late_accounts(settings, [account], Almanac(ZoneInfo("UTC")), NOW)

    assert late == (frozenset({"work"}) if is_late else frozenset())


def test_what_never_was_or_is_not_configured_is_not_late(tmp_path: Path) -> None:
    text = f'[archive]\npath = "a"\n{ACCOUNT}[schedule]\nsync = "15m"\n'
    settings = parse(text.encode(), tmp_path / "mailvault.toml", is_private=True)
    accounts = [
        build_account("work", last_success=None),
        build_account("old", last_success=NOW - timedelta(days=9)),
    ]

    assert late_accounts(settings, accounts, Almanac(ZoneInfo("UTC")), NOW) == frozenset()
