"""Reads an age such as ``90d`` or ``1y``. Pure."""

import re

from mailvault.errors import UsageError

DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


def parse_days(text: str, option: str) -> int:
    """Whole days of an age: days, weeks, months of 30 days, years of 365.

    Raises:
        UsageError: the text is no age, or none above zero.
    """
    found = re.fullmatch(r"([0-9]{1,5})([dwmy])", text.strip())
    if found is None or not int(found[1]):
        raise UsageError(f"{option}: {text!r} is not an age", hint="write 90d, 26w, 6m or 1y")
    return int(found[1]) * DAYS[found[2]]
