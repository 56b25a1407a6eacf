from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.mail.filenames import eml_name
from mailvault.mail.model import Digest

DIGEST = Digest(bytes(range(32)))
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("subject", "slug"),
    [
        ("Lunch on Friday?", "Lunch-on-Friday"),
        ("../../etc/passwd", "etc-passwd"),
        ("Grüße", "Grüße"),
        ("中文 主题", "中文-主题"),
        ("हिन्दी", "हिन्दी"),
        ("a" * 500, "a" * 60),
        ("é" * 500, "é" * 30),
    ],
)
def test_a_name_says_when_what_and_which(subject: str, slug: str) -> None:
    assert eml_name(DIGEST, NOON, subject) == f"20260105-120000-{slug}-0001020304050607.eml"


def test_a_name_without_date_and_subject_still_says_which() -> None:
    assert eml_name(DIGEST, None, None) == "undated-0001020304050607.eml"
    assert eml_name(DIGEST, None, "?!", copy=3) == "undated-0001020304050607-3.eml"


@given(st.text(), st.datetimes(), st.integers(1, 10**9))
def test_every_name_is_safe(subject: str, date: datetime, copy: int) -> None:
    name = eml_name(DIGEST, date.replace(tzinfo=UTC), subject, copy)

    assert len(name.encode()) < 200
    assert not set(name) & set('/\\:*?"<>|\0\n')
    assert name[0].isdigit()
