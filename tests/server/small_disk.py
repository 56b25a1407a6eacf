"""A vault on a small file system of its own, which is really full when it is full."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.server.vault import Vault
from tests.servers.users import MailUser

_MOUNT = 'mount -t tmpfs -o "size=$1" small "$2" && echo mounted && exec cat'
ROOMY = 64 << 20


class SmallDisk(Vault):
    """A vault whose folder ``disk`` is seen by its own commands alone."""

    def __init__(self, folder: Path, user: MailUser, holder: int, *, store: str) -> None:
        self._inside = ["nsenter", f"--target={holder}", "--user", "--mount"]
        self._inside += ["--preserve-credentials", f"--wd={folder}"]
        super().__init__(folder, user, store=store)
        self.disk = disk_of(folder)
        self.archive = self.disk / "archive"
        text = self.configuration.read_text(encoding="utf-8")
        self.configuration.write_text(text.replace('"archive"', '"disk/archive"', 1))

    def command(self, *arguments: str) -> list[str]:
        return [*self._inside, *super().command(*arguments)]

    def environment(self) -> dict[str, str]:
        """Temporary files are on the full disk too, as on most machines."""
        return super().environment() | {"TMPDIR": str(self.disk)}

    def init(self) -> None:
        self.run("init")

    def resize(self, octets: int) -> None:
        """Make room, or take it. Raises where more than that is used."""
        options = f"remount,size={octets}"
        subprocess.run([*self._inside, "mount", "-o", options, self.disk], check=True)

    def fill(self) -> None:
        """Leave not one octet."""
        writing = f'dd if=/dev/zero of="{self.disk}/filling" bs=4096 2> /dev/null'
        subprocess.run([*self._inside, "sh", "-c", writing], check=False)

    def make_room(self) -> None:
        self.resize(ROOMY)


def disk_of(folder: Path) -> Path:
    return folder / "disk"


@contextmanager
def small_disk(
    folder: Path, user: MailUser, octets: int, *, store: str = "sqlite"
) -> Iterator[SmallDisk]:
    """Mount a disk of so many octets in ``folder``, which is made. Skips where none may."""
    disk = disk_of(folder)
    disk.mkdir(parents=True)
    with subprocess.Popen(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", _MOUNT, "sh", f"{octets}", disk],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stderr is not None
        if not holder.stdout.readline():
            pytest.skip(f"no disk may be mounted here: {holder.stderr.read().decode().strip()}")
        yield SmallDisk(folder, user, holder.pid, store=store)
        # Its end of the pipe is closed with the block; the disk is gone with its last process.
