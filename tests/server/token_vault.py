"""An account that signs in with a browser, and the person who does."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.server.vault import Json, Vault
from tests.servers.oauth_provider import Browser, OAuthProvider
from tests.servers.process import HOST
from tests.servers.users import MailUser


class TokenVault(Vault):
    """An archive of an account that logs in with the provider's tokens."""

    def __init__(self, folder: Path, user: MailUser, provider: OAuthProvider) -> None:
        super().__init__(folder, user)
        self.user, self.provider = user, provider
        self.sign_in_with()
        self.init()

    @property
    def token_file(self) -> Path:
        return self.folder / "mailvault.tokens" / "work.json"

    def sign_in_with(
        self,
        auth: str = "xoauth2",
        *,
        protocol: str = "imap",
        client: str = "mailvault",
        more: str = "",
    ) -> None:
        """Write the configuration."""
        self.client = client
        self.configuration.write_text(
            f'[archive]\npath = "archive"\n\n[accounts.work]\nprotocol = "{protocol}"\n'
            f'host = "{HOST}"\nport = {self.user.server.ports[protocol]}\ntls = "none"\n'
            f'user = "{self.user.name}"\nauth = "{auth}"\n\n'
            f"[accounts.work.oauth]\n{self.provider.settings(client)}{more}"
        )

    def keep(self, tokens: Json, *, is_stale: bool = False) -> None:
        """Put tokens where a login would have put them."""
        now = datetime.now(UTC)
        obtained = now - timedelta(seconds=595 if is_stale else 0)
        fields = {
            "grant": {
                "user": self.user.name,
                "client_id": self.client,
                "token_endpoint": f"{self.provider.base}/token",
            },
            "access_token": tokens["access_token"],
            "refresh_token": tokens.get("refresh_token"),
            "obtained": obtained.isoformat(),
            "expires": (obtained + timedelta(seconds=600)).isoformat(),
            "scope": tokens.get("scope", ""),
        }
        self.token_file.parent.mkdir(exist_ok=True)
        self.token_file.write_text(json.dumps(fields))
        self.token_file.chmod(0o600)

    def sign_in(self) -> None:
        """Have the person type the code of a login into a browser."""
        process = self.start("login", "work")
        page = said_until(process, "Open ").removeprefix("Open ")
        code = said_until(process, "and type the code ").removeprefix("and type the code ")
        Browser(self.user.name).confirm(page, code)
        exit_code, said = ended(process)
        assert exit_code == 0, said

    def kept(self) -> Json:
        found: Json = json.loads(self.token_file.read_text())
        return found

    def login_needed(self) -> str | None:
        """Why status says that somebody has to sign in."""
        (account,) = self.run("status", "--json").document()["accounts"]
        state = self.run(
            "login", "work", "--status", "--json", code=11 if account["needs_login"] else 0
        )
        return state.document()["reason"] if account["needs_login"] else None


def said_until(process: "subprocess.Popen[bytes]", start: str) -> str:
    """Read what the program says on standard error, to the line that begins so."""
    assert process.stderr is not None
    for line in process.stderr:
        text = line.decode().strip()
        if text.startswith(start):
            return text
    raise AssertionError(f"the program never said {start}")


def ended(process: "subprocess.Popen[bytes]") -> tuple[int, bytes]:
    with process:
        output, errors = process.communicate(timeout=60)
    return process.returncode, output + errors
