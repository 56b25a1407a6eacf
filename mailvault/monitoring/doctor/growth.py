"""How long the disk lasts, from how much has arrived since when. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailvault.archive.examination import Contents

LOOKED_BACK = timedelta(days=90)
LEAST = timedelta(days=3)
"""From less than that nothing can be said."""

SOON = 30.0
LITTLE = 100 << 20
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Forecast:
    """``per_day`` are octets on disk; None where nothing can be said yet."""

    per_day: float | None
    days_left: float | None


def forecast(contents: Contents, free: int | None, now: datetime) -> Forecast:
    """What arrived takes as much of the disk as everything before did, on the average."""
    since = contents.grows_since
    if since is None or now - since < LEAST or not contents.octets:
        return Forecast(None, None)
    share = contents.stored_octets / contents.octets
    per_day = contents.grown_octets * share / ((now - since) / DAY)
    return Forecast(per_day, None if free is None or not per_day else free / per_day)
