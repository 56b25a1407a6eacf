"""A Dovecot that serves archives as they lie, configured as docs/maildir-store.md says."""

import re
from pathlib import Path

from tests.servers.dovecot import DOVECOT, Dovecot
from tests.servers.process import ServerUnavailable, run

PAGE = Path(__file__).parents[2] / "docs" / "maildir-store.md"


class ArchiveDovecot(Dovecot):
    """Users are archives: their folder is ``archive_of(user)``, with an account ``work``."""

    def archive_of(self, user: str) -> Path:
        return self.folder / "archives" / user / "archive"

    def add_user(self, user: str, password: str) -> None:
        super().add_user(user, password)
        home = self.archive_of(user).parent
        home.mkdir(parents=True)
        self.give_to_owner(home.parent, home)

    def _launch(self) -> None:
        if not run([DOVECOT, "--version"]).startswith("2.3."):
            raise ServerUnavailable("the page says how to configure Dovecot 2.3")
        super()._launch()

    def _more_settings(self) -> str:
        """What the page says, for this server's folders and owner."""
        text = PAGE.read_text(encoding="utf-8")
        settings, acl = _block(text, "dovecot"), _block(text, "dovecot-acl")
        acl_file = self.folder / "archive.acl"
        acl_file.write_text(acl)
        places = {
            "/srv/mail-archive/maildir/%u": f"{self.folder}/archives/%u/archive/maildir/work",
            "/var/lib/mail-archive/%u": f"{self.folder}/state/indexes/%u",
            "/etc/dovecot/mail-archive.acl": str(acl_file),
            "mail_uid = archive": f"mail_uid = {self.owner.uid}",
            "mail_gid = archive": f"mail_gid = {self.owner.gid}",
        }
        for said, meant in places.items():
            assert said in settings, said
            settings = settings.replace(said, meant)
        # The tests' own settings for IMAP come before, and would win.
        (plugins,) = re.findall(r"^mail_plugins = \$mail_plugins (.*)$", settings, re.MULTILINE)
        return f"{settings}\nprotocol imap {{\n  mail_plugins = {plugins} imap_zlib\n}}\n"


def _block(text: str, language: str) -> str:
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return str(block)
