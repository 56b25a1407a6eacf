"""What a service tells is heard by a real socket, and by nobody else."""

import os
import socket
from pathlib import Path

import pytest

from mailvault.daemon.notify_socket import NotifySocket


def test_fields_arrive_as_lines_of_one_message(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)

        NotifySocket(address).tell(READY=1, STATUS="all is well")

        assert listener.recv(1000) == b"READY=1\nSTATUS=all is well"


def test_nobody_who_listens_is_no_failure(tmp_path: Path) -> None:
    NotifySocket(str(tmp_path / "nowhere")).tell(READY=1)
    NotifySocket(None).tell(READY=1)


def test_programs_that_we_start_cannot_speak_for_us() -> None:
    environment = {
        "NOTIFY_SOCKET": "/run/systemd/notify",
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(os.getpid()),
        "HOME": "/",
    }

    taken = NotifySocket.from_environment(environment)

    assert environment == {"HOME": "/"}
    assert taken.watchdog == 30.0


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "9", "WATCHDOG_PID": "1"},
    ],
)
def test_a_watchdog_that_is_not_for_us_is_none(fields: dict[str, str]) -> None:
    assert NotifySocket.from_environment(dict(fields)).watchdog is None
