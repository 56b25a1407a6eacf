"""WHEN is read the same everywhere: run numbers, ISO instants, ages."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mailvault.errors import UsageError
from mailvault.operations.when import parse_instant, parse_when

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2024, 11, 5, 12, 0, tzinfo=UTC)


def parsed(text: str) -> int | datetime:
    return parse_when(text, NOW, localise=lambda naive: naive.replace(tzinfo=BERLIN))


@pytest.mark.parametrize(
    ("text", "run"), [("1", 1), ("17", 17), (" 4711 ", 4711), ("2024", 2024)]
)
def test_a_number_is_a_run(text: str, run: int) -> None:
    assert parsed(text) == run


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("30s", timedelta(seconds=30)),
        ("30m", timedelta(minutes=30)),
        ("12h", timedelta(hours=12)),
        ("3d", timedelta(days=3)),
        ("2w", timedelta(weeks=2)),
        ("0d", timedelta()),
    ],
)
def test_an_age_counts_back_from_now(text: str, age: timedelta) -> None:
    assert parsed(text) == NOW - age


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-05-31T18:00", "2024-05-31T16:00+00:00"),
        ("2024-05-31 18:00:30", "2024-05-31T16:00:30+00:00"),
        ("2024-12-31T18:00", "2024-12-31T17:00+00:00"),
        ("2024-05-31T18:00Z", "2024-05-31T18:00+00:00"),
        ("2024-05-31T18:00+05:45", "2024-05-31T12:15+00:00"),
        ("20240531T1800", "2024-05-31T16:00+00:00"),
    ],
)
def test_a_time_is_local_unless_it_names_its_zone(text: str, instant: str) -> None:
    assert parsed(text) == datetime.fromisoformat(instant)


@pytest.mark.parametrize("text", ["2024-05-31", "20240531", "2024-W22-5"])
def test_a_date_means_the_end_of_that_day(text: str) -> None:
    midnight = datetime(2024, 5, 31, 22, tzinfo=UTC)  # in Berlin

    assert parsed(text) == midnight - timedelta(microseconds=1)


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "yesterday", "3 days", "2024-13-01", "2024-05-31T25:00", "9999999999",
     "999999999d", "3d12h", "1.5", "٣", "²", "12h ago", "0001-01-01T00:00+23:59", "--at"],
)  # fmt: skip
def test_anything_else_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="is not a point in time") as caught:
        parsed(text)

    assert "2024-05-31" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-05-31", "2024-05-30T22:00+00:00"),
        ("2024-05-31T18:00", "2024-05-31T16:00+00:00"),
        ("1d", "2024-11-04T12:00+00:00"),
    ],
)
def test_a_stretch_of_time_begins_with_the_day_it_names(text: str, instant: str) -> None:
    found = parse_instant(text, NOW, localise=lambda naive: naive.replace(tzinfo=BERLIN))

    assert found == datetime.fromisoformat(instant)


@pytest.mark.parametrize("text", ["17", "2024", "soon", "", "2024-02-30"])
def test_a_stretch_of_time_never_begins_with_a_run(text: str) -> None:
    with pytest.raises(UsageError, match="is not a point in time") as caught:
        parse_instant(text, NOW)

    assert "run" not in str(caught.value.hint)
