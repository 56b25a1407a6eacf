"""A vault with several accounts, on servers of any kind."""

from collections.abc import Mapping
from pathlib import Path

from tests.server.vault import Vault
from tests.servers.process import HOST
from tests.servers.users import MailUser


class Movers(Vault):
    """An archive of accounts that mail moves between; each by its name."""

    def __init__(self, folder: Path, users: Mapping[str, MailUser]) -> None:
        self.users = dict(users)
        super().__init__(folder, next(iter(users.values())))
        self.write()

    def write(self, settings: Mapping[str, str] | None = None, **ports: int) -> None:
        """Write the configuration; ``ports`` are where accounts are reached instead."""
        text = '[archive]\npath = "archive"\n'
        for name, user in self.users.items():
            text += (
                f'\n[accounts.{name}]\nprotocol = "imap"\nhost = "{HOST}"\n'
                f'port = {ports.get(name, user.port)}\ntls = "none"\n'
                f'user = "{user.name}"\npassword = "{user.password}"\n'
                f"{(settings or {}).get(name, '')}\n"
            )
        self.configuration.write_text(text, encoding="utf-8")
        self.configuration.chmod(0o600)
