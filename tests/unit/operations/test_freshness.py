"""Which accounts have gone without a success for too long."""

from datetime import UTC, datetime, timedelta

import pytest

from mailvault.operations.freshness import freshness_of, overdue

NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("success", "since", "is_overdue"),
    [
        (NOW - DAY, None, False),
        (NOW - 3 * DAY, None, True),
        (None, None, True),
        (None, NOW - DAY, False),
        (None, NOW - 3 * DAY, True),
        (NOW - DAY, NOW - 9 * DAY, False),
        (NOW + DAY, None, False),
    ],
)
def test_an_account_is_overdue_after_its_limit_or_when_it_never_succeeded(
    success: datetime | None, since: datetime | None, is_overdue: bool
) -> None:
    accounts = freshness_of(
        {"work": 3 * 86400.0}, {"work": success}, {} if since is None else {"work": since}
    )

    assert [each.account for each in overdue(accounts, NOW)] == ["work"] * is_overdue
