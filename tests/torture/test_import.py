"""Imports: killed at any write, from files larger than memory, with mailboxes of any length."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailvault.mail.mbox import from_line, quote
from tests.corpus.ordinary import generate, small
from tests.server.test_import import arrived, check_kill
from tests.server.vault import Vault, new_vault
from tests.servers.maildir import fill
from tests.servers.users import MailUser
from tests.torture.memory import peak_memory
from tests.torture.strace import DURABLE, WRITES, places

pytestmark = [pytest.mark.torture, pytest.mark.server]

MOST = 200 << 20
LARGE = 1 << 30
MANY = 200_000


@pytest.mark.parametrize("calls", [DURABLE, WRITES], ids=["fsync", "write"])
def test_a_kill_at_any_call_loses_nothing_and_brings_nothing_twice(
    tmp_path: Path, mail_user: MailUser, calls: str
) -> None:
    folder = tmp_path / "mail"
    fill(folder, generate(7, 400), owner=(os.geteuid(), os.getegid()))
    whole = new_vault(tmp_path / "whole", mail_user)
    numbers = places(whole, calls, "import", str(folder), "--account", "files")
    kills = 0

    for number in numbers:
        vault = new_vault(tmp_path / f"{number}", mail_user)
        kills += check_kill(vault, folder, calls, number)

    assert kills > len(numbers) // 2


def write_mbox(path: Path, octets: int, *, has_labels: bool = False) -> int:
    """Write an mbox of about so many octets; give the number of its messages."""
    written = 0
    number = 0
    with path.open("wb") as file:
        for letter in _for_ever():
            if written >= octets:
                return number
            labels = f"X-Gmail-Labels: Label {number % 40},Unread\r\n" if has_labels else ""
            unique = f"X-Number: {number}\r\n".encode()
            octets_of_letter = labels.encode() + quote(unique + letter)
            written += file.write(from_line(None) + octets_of_letter + b"\r\n")
            number += 1
    return number


def _for_ever() -> Iterator[bytes]:
    letters = [letter.octets for letter in generate(11, 500)]
    while True:
        yield from letters


@pytest.mark.parametrize("has_labels", [False, True], ids=["plain", "takeout"])
def test_an_mbox_larger_than_memory_fits_into_it(vault: Vault, *, has_labels: bool) -> None:
    path = vault.folder / "All mail.mbox"
    number = write_mbox(path, LARGE, has_labels=has_labels)
    command = ("import", str(path), "--account", "files", "--json")

    first, second = peak_memory(vault, *command), peak_memory(vault, *command)

    assert (first[0], second[0]) == (0, 0)
    assert max(first[1], second[1]) <= MOST
    assert vault.run("status", "--json").document()["accounts"][0]["messages"] == number


def test_a_message_of_500_megabytes_fits_into_memory(vault: Vault) -> None:
    path = vault.folder / "Large"
    line = b"A line that begins with nothing in particular, and comes again and again.\n"
    with path.open("wb") as file:
        file.write(from_line(None) + b"Subject: large\n\n")
        for _ in range(500):
            file.write(line * (1_000_000 // len(line)) + b">From here\n")

    code, peak = peak_memory(vault, "import", str(path), "--account", "files")

    assert code == 0
    assert peak <= MOST


def test_a_maildir_of_200_000_messages_fits_into_memory(vault: Vault) -> None:
    folder = vault.folder / "mail"
    fill(folder, small(1, MANY), owner=(os.geteuid(), os.getegid()))

    first = peak_memory(vault, "import", str(folder), "--account", "files")
    second = peak_memory(vault, "import", str(folder), "--account", "files", "--json")

    assert (first[0], second[0]) == (0, 0)
    assert max(first[1], second[1]) <= MOST
    assert arrived(json.loads((vault.folder / "output").read_bytes())) == 0
    assert vault.run("status", "--json").document()["accounts"][0]["messages"] == MANY
