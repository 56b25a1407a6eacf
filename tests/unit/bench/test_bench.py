"""The bench measures what it says. How fast anything is, no test asserts."""

import sys
from pathlib import Path

import pytest

from bench.generator import MailGenerator
from bench.measure import ContenderFailed, folder_octets, run
from bench.report import Report


def test_the_same_seed_gives_the_same_mail() -> None:
    assert list(MailGenerator(7).mail(60)) == list(MailGenerator(7).mail(60))


def test_as_much_mail_is_made_as_was_asked_for() -> None:
    mail = list(MailGenerator(3).mail(101))

    assert len(mail) == 101
    assert len({each.octets for each in mail}) < 101
    assert all(b"\r\n\r\n" in each.octets for each in mail)


def test_the_memory_of_a_small_program_is_not_that_of_its_starter() -> None:
    ballast = bytearray(150_000_000)

    small = run([sys.executable, "-S", "-c", "pass"])
    large = run([sys.executable, "-S", "-c", "x = bytearray(100_000_000)"])

    assert small.peak_octets < 50_000_000 < 100_000_000 < large.peak_octets
    assert len(ballast) == 150_000_000


def test_what_a_program_prints_and_uses_is_kept() -> None:
    cost = run(
        [sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr)"]
    )

    assert sorted(cost.output.split()) == ["err", "out"]
    assert cost.seconds > 0


def test_a_program_that_fails_ends_the_measurement() -> None:
    with pytest.raises(ContenderFailed, match="exit 3"):
        run([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_folder_is_as_large_as_its_files(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a").write_bytes(b"12345")
    (tmp_path / "b").write_bytes(b"123")

    assert folder_octets(tmp_path) == 8


def test_the_report_shows_every_row_and_ratio() -> None:
    report = Report({"python": "3"}, messages=2, octets=4_000_000)
    report.row("one").seconds += [1.0, 3.0, 2.0]
    report.row("one").stored_octets = 1_000_000
    report.ratios["one / other"] = [0.5]

    text = "\n".join(report.lines())

    assert "2.00 (1.00-3.00)" in text
    assert "0.250" in text
    assert "one / other" in text
