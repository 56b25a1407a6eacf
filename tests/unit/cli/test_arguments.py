"""Global options count wherever they stand."""

import pytest

from mailvault.cli.arguments import globals_first, log_format_of


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
