"""A real OAuth2 provider on loopback (npm's oidc-provider), and people with browsers."""

import contextlib
import html
import json
import os
import re
import shutil
import time
import urllib.parse
import urllib.request
from pathlib import Path

import httpx

from tests.servers.packages import cache_folder, locked
from tests.servers.process import (
    HOST,
    STARTUP_SECONDS,
    MailServer,
    ServerFailed,
    ServerUnavailable,
    run,
)

PACKAGE = "oidc-provider@9.13.3"
SCRIPT = Path(__file__).with_suffix(".mjs")
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SCOPES = "openid offline_access imap"


class OAuthProvider(MailServer):
    """The provider. It believes everybody who says who they are."""

    services = ("http",)

    @property
    def base(self) -> str:
        return f"http://{HOST}:{self.ports['http']}"

    @property
    def introspection_url(self) -> str:
        address = f"dovecot:dovecot-secret@{HOST}:{self.ports['http']}"
        return f"http://{address}/token/introspection"

    def settings(self, client: str = "mailvault", scopes: str = SCOPES) -> str:
        """The table ``oauth`` of an account that gets its tokens here."""
        return (
            f'provider = "generic"\nclient_id = "{client}"\nscopes = "{scopes}"\n'
            f'token_endpoint = "{self.base}/token"\n'
            f'authorization_endpoint = "{self.base}/auth"\n'
            f'device_endpoint = "{self.base}/device/auth"\n'
            f'revocation_endpoint = "{self.base}/token/revocation"\n'
        )

    def grants(self, kind: str) -> int:
        """How many tokens of a kind were given."""
        count = self.get("/grants").get(kind, 0)
        assert isinstance(count, int)
        return count

    def get(self, path: str) -> dict[str, object]:
        with urllib.request.urlopen(self.base + path, timeout=10) as answer:
            found: dict[str, object] = json.load(answer)
        return found

    def tokens(
        self, user: str, client: str = "mailvault", scopes: str = SCOPES
    ) -> dict[str, object]:
        """What the provider gives to a client that ``user`` agrees with."""
        with httpx.Client() as http:
            asked = {"client_id": client, "scope": scopes}
            device = http.post(f"{self.base}/device/auth", data=asked).json()
            Browser(user).confirm(device["verification_uri"], device["user_code"])
            form = {
                "grant_type": DEVICE_GRANT,
                "client_id": client,
                "device_code": device["device_code"],
            }
            answer = http.post(f"{self.base}/token", data=form)
        if answer.status_code != 200:
            raise ServerFailed(f"no tokens for {user}: {answer.text}")
        found: dict[str, object] = answer.json()
        return found

    def revoke(self, token: str, client: str = "mailvault") -> None:
        form = {"client_id": client, "token": token}
        httpx.post(f"{self.base}/token/revocation", data=form).raise_for_status()

    def wait_until_expired(self, token: object) -> None:
        end = time.monotonic() + 20
        while self.is_active(token):
            if time.monotonic() > end:
                raise ServerFailed("the token does not expire")
            time.sleep(0.1)

    def is_active(self, token: object) -> bool:
        answer = httpx.post(self.introspection_url, data={"token": token})
        return bool(answer.json()["active"])

    def _configure(self) -> None:
        self._modules = _installed()

    def _launch(self) -> None:
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.folder)}
        node = shutil.which("node") or "node"
        # The checkout may be one that the server's owner cannot enter.
        script = Path(shutil.copy(SCRIPT, self.folder))
        self._spawn([node, script, str(self.ports["http"]), self._modules], environment)

    def _wait_for_greetings(self) -> None:
        end = time.monotonic() + STARTUP_SECONDS
        while True:
            with contextlib.suppress(OSError):
                self.get("/.well-known/openid-configuration")
                return
            if self._processes[-1].poll() is not None or time.monotonic() > end:
                raise ServerFailed(f"the provider does not answer\n{self.log()}")
            time.sleep(0.05)


class Browser:
    """A person at a browser, who agrees to everything."""

    def __init__(self, user: str) -> None:
        self._headers = {"X-Test-User": user}

    def confirm(self, page: str, user_code: str) -> None:
        """Type the code of a device flow."""
        with httpx.Client(headers=self._headers, follow_redirects=True) as client:
            form = client.get(page).text
            found = re.search(r'name="xsrf" value="([^"]+)"', form)
            if found is None:
                raise ServerFailed(f"no form at {page}: {form}")
            fields = {"xsrf": html.unescape(found[1]), "user_code": user_code, "confirm": "yes"}
            client.post(page, data=fields).raise_for_status()

    def visit(self, page: str, *, follow_home: bool) -> str:
        """Open a page and follow it to where it leads back to; give that address."""
        with httpx.Client(headers=self._headers) as client:
            for _ in range(20):
                answer = client.get(page)
                if "location" not in answer.headers:
                    raise ServerFailed(f"{page} leads nowhere: {answer.text[:500]}")
                page = urllib.parse.urljoin(page, answer.headers["location"])
                if "code=" in page or "error=" in page:
                    if follow_home:
                        client.get(page).raise_for_status()
                    return page
        raise ServerFailed("the provider sends the browser around in circles")


def _installed() -> Path:
    """Give the folder with the provider's packages; fill it when called first."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise ServerUnavailable("node is missing: sudo apt-get install nodejs npm")
    folder = cache_folder() / "oauth-provider"
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_suffix(".lock")):
        if not (folder / ".complete").exists():
            npm = "npm install --no-fund --no-audit --silent --no-package-lock --prefix"
            try:
                run([*npm.split(), folder, PACKAGE], environment=dict(os.environ))
            except ServerFailed as error:
                raise ServerUnavailable(f"{PACKAGE} cannot be had: {error}") from error
            (folder / ".complete").touch()
    return folder
