"""A vault whose files belong to the owner of the test servers, who may then serve it."""

import os
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from mailvault import wiring
from mailvault.archive.archive import Archive
from mailvault.config.load import load
from mailvault.operations.rebuild import rebuild
from mailvault.operations.reports import Silent
from mailvault.ports import Finding
from tests.server.vault import Vault, new_vault
from tests.servers.process import Owner
from tests.servers.users import MailUser
from tests.unit.archive.builders import SteppingClock


class OwnedVault:
    """An archive with the store maildir. What changes it runs as the owner, in a child."""

    def __init__(self, folder: Path, user: MailUser, owner: Owner) -> None:
        self.vault = Vault(folder, user, store="maildir")
        self._owner = owner
        if os.geteuid() == 0:
            os.chown(self.vault.configuration, owner.uid, owner.gid)
        self.act(lambda: wiring.create_archive(load(self.vault.configuration)).close())

    def sync(self) -> None:
        self.act(lambda: sync(self.vault))

    def rebuild(self) -> None:
        self.act(lambda: void(rebuild(self.vault.archive, SteppingClock(), Silent())))

    def findings(self) -> list[Finding]:
        """What is wrong with the archive. Only reads: a note of it would be somebody else's."""
        with Archive.open(self.vault.archive, writing=False, clock=SteppingClock()) as archive:
            for digest in archive.catalog.digests():
                archive.content.prove(digest)
            return list(archive.check())

    def act(self, act: Callable[[], None]) -> None:
        """Act as the owner. Python's own files may be out of the owner's reach by then."""
        with tempfile.TemporaryFile() as said:
            child = os.fork()
            if child == 0:
                _be_the_child(act, self._owner, said.fileno())
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            said.seek(0)
            assert status == 0, said.read().decode()


def warm_up(folder: Path, user: MailUser) -> None:
    """Load all that a sync needs while it can be read."""
    vault = new_vault(folder, user, store="maildir")
    sync(vault)
    rebuild(vault.archive, SteppingClock(), Silent())


def sync(vault: Vault) -> None:
    configuration = load(vault.configuration)
    with wiring.open_archive(configuration, writing=True) as archive:
        report = wiring.sync(archive, list(configuration.accounts.values()))
    assert report.exit_code == 0, report


def void(_: object) -> None:
    """Drop a result that nobody needs."""


def _be_the_child(act: Callable[[], None], owner: Owner, said: int) -> None:
    """Never returns: this is a copy of the test's process and must not act as one."""
    status = 1
    try:
        os.dup2(said, 2)
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(owner.gid)
            os.setuid(owner.uid)
        act()
        status = 0
    except BaseException:  # noqa: BLE001 - the parent raises what is said here
        os.write(said, traceback.format_exc().encode())
    os._exit(status)
