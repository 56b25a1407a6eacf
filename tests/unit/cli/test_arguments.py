"""Global options count wherever they stand."""

import pytest

from mailvault.cli.arguments import EXTENTS, globals_first, log_format_of, understood
from mailvault.operations.restore_report import ReadBack


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["sync", "--config", "x", "work"], ["--config", "x", "sync", "work"]),
        (["sync", "--config=x", "-v"], ["--config=x", "-v", "sync"]),
        (["-q", "sync", "--log-format", "json"], ["-q", "--log-format", "json", "sync"]),
        (["list", "--", "-v", "--config"], ["list", "--", "-v", "--config"]),
        (["sync", "--config"], ["--config", "sync"]),
        (["list", "--mailbox", "INBOX"], ["list", "--mailbox", "INBOX"]),
        ([], []),
    ],
)
def test_global_options_move_before_the_command(
    arguments: list[str], expected: list[str]
) -> None:
    assert globals_first(arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["sync", "--log-format", "json"], "json"),
        (["--log-format=json", "sync"], "json"),
        (["sync"], "text"),
        (["show", "--", "--log-format=json"], "text"),
    ],
)
def test_the_log_format_is_known_before_anything_can_fail(
    arguments: list[str], expected: str
) -> None:
    assert log_format_of(arguments) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("restore work --to new --verify", "restore work --to new --verify=some"),
        (
            "restore work --to new --verify --dry-run",
            "restore work --to new --verify=some --dry-run",
        ),
        ("restore --to new --verify work", "restore --to new --verify=some work"),
        ("migrate old new --verify -v", "-v migrate old new --verify=some"),
        ("restore work --to new --verify all", "restore work --to new --verify all"),
        ("restore work --to new --verify=none", "restore work --to new --verify=none"),
        ("restore --verify -- --verify", "restore --verify=some -- --verify"),
        ("copy restore --verify", "copy restore --verify"),
        ("", ""),
    ],
)
def test_verify_of_a_restore_may_stand_alone(typed: str, expected: str) -> None:
    assert understood(typed.split()) == expected.split()


def test_the_extents_are_those_of_a_restore() -> None:
    assert [*ReadBack] == [*EXTENTS]
