"""The installed Dovecot with a private configuration: Maildir, TLS, every way to log in."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.servers.certificates import LOOPBACK_NAMES, Authority
from tests.servers.dovecot_settings import TOKEN_CHECK, configuration
from tests.servers.process import HOST, MailServer, ServerUnavailable, run

DOVECOT = shutil.which("dovecot", path="/usr/sbin:/usr/bin:/usr/local/sbin") or ""
IMAP_LOGIN = Path("/usr/lib/dovecot/imap-login")


class Dovecot(MailServer):
    """Dovecot. ``is_plain`` makes it announce no more than servers did long ago.

    ``layout`` is how mailboxes lie on disk: ``fs`` or ``maildir++``.
    With an ``introspection_url`` it takes OAuth2 tokens, too, and checks them there.
    """

    services: Sequence[str] = ("imap", "imaps", "pop3", "pop3s")

    def __init__(
        self,
        *,
        is_plain: bool = False,
        introspection_url: str | None = None,
        layout: str = "fs",
    ) -> None:
        super().__init__()
        self._layout = layout
        self._is_plain = is_plain
        self._introspection_url = introspection_url

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def add_user(self, user: str, password: str) -> None:
        home = self.folder / "home" / user
        home.mkdir()
        self.give_to_owner(home)
        # A file for each user: one file for all is looked at again only once a second.
        (self.folder / "users" / user).write_text(f"{user}:{{PLAIN}}{password}::::::\n")
        self.users[user] = password

    def maildir(self, user: str) -> Path:
        return self.folder / "home" / user / "Maildir"

    def log(self) -> str:
        path = self.folder / "dovecot.log"
        said = path.read_text(errors="replace") if path.exists() else ""
        return super().log() + said

    def doveadm(self, *arguments: str) -> str:
        """Run doveadm as the server's owner."""
        return run(["doveadm", "-c", str(self.folder / "dovecot.conf"), *arguments])

    def _configure(self) -> None:
        if not DOVECOT or not IMAP_LOGIN.exists():
            raise ServerUnavailable("Dovecot is missing: sudo apt-get install dovecot-imapd")
        for name in ("run", "state", "home", "users"):
            (self.folder / name).mkdir()
            self.give_to_owner(self.folder / name)
        authority = Authority.create(self.folder)
        certificate = authority.certify(*LOOPBACK_NAMES)
        self.give_to_owner(certificate.certificate_file, certificate.key_file)

    def _more_settings(self) -> str:
        """What is set behind all else, and so wins."""
        return ""

    def _launch(self) -> None:
        text = configuration(
            run([DOVECOT, "--version"]),
            is_plain=self._is_plain,
            introspection_url=self._introspection_url,
            layout=self._layout,
            folder=self.folder,
            host=HOST,
            owner=self.owner.name,
            group=run(["id", "-gn", self.owner.name]).strip(),
            uid=self.owner.uid,
            gid=self.owner.gid,
            **self.ports,
        )
        token_check = TOKEN_CHECK.format(introspection_url=self._introspection_url)
        (self.folder / "oauth2.conf").write_text(token_check)
        path = self.folder / "dovecot.conf"
        path.write_text(text + self._more_settings())
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        self._spawn([DOVECOT, "-F", "-c", path], environment)
