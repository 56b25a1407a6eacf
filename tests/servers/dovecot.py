"""The installed Dovecot with a private configuration: Maildir, TLS, every way to log in."""

import shutil
from pathlib import Path

from tests.servers.certificates import LOOPBACK_NAMES, Authority
from tests.servers.process import HOST, MailServer, ServerUnavailable, run

DOVECOT = shutil.which("dovecot", path="/usr/sbin:/usr/bin:/usr/local/sbin") or ""
IMAP_LOGIN = Path("/usr/lib/dovecot/imap-login")

_CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
instance_name = mailvault-tests
protocols = imap pop3
listen = {host}
shutdown_clients = yes
default_internal_user = {owner}
default_internal_group = {group}
default_login_user = {owner}
default_vsz_limit = 0
first_valid_uid = 1
first_valid_gid = 1
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
auth_failure_delay = 0
auth_verbose = yes
disable_plaintext_auth = no
mail_max_userip_connections = 1000
mail_location = maildir:~/Maildir:LAYOUT=fs
mail_fsync = never
maildir_very_dirty_syncs = no
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
ssl_min_protocol = TLSv1.2
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    special_use = \\Drafts
  }}
  mailbox Sent {{
    special_use = \\Sent
  }}
  mailbox Trash {{
    special_use = \\Trash
  }}
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  service_count = 0
  client_limit = 1000
  process_limit = 2
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  chroot =
  service_count = 0
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
service imap {{
  process_limit = 500
}}
protocol imap {{
  mail_plugins = zlib imap_zlib
{imap_settings}
}}
protocol pop3 {{
  mail_plugins = zlib
}}
{settings}
"""

# What Dovecot 2.3 announces, without CONDSTORE, QRESYNC, COMPRESS and the extended LISTs.
PLAIN_CAPABILITIES = "IMAP4rev1 SASL-IR LITERAL+ ID IDLE NAMESPACE UIDPLUS UNSELECT CHILDREN"


class Dovecot(MailServer):
    """Dovecot. ``capabilities`` replaces what it announces; ``settings`` are more lines."""

    services = ("imap", "imaps", "pop3", "pop3s")

    def __init__(self, *, capabilities: str | None = None, settings: str = "") -> None:
        super().__init__()
        self._capabilities = capabilities
        self._settings = settings

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def add_user(self, user: str, password: str) -> None:
        home = self.folder / "home" / user
        home.mkdir()
        self.give_to_owner(home)
        self.users[user] = password
        lines = (f"{user}:{{PLAIN}}{password}::::::\n" for user, password in self.users.items())
        (self.folder / "users").write_text("".join(lines), encoding="utf-8")

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
        for name in ("run", "state", "home"):
            (self.folder / name).mkdir()
            self.give_to_owner(self.folder / name)
        (self.folder / "users").write_text("")
        authority = Authority.create(self.folder)
        certificate = authority.certify(*LOOPBACK_NAMES)
        self.give_to_owner(certificate.certificate_file, certificate.key_file)

    def _launch(self) -> None:
        capability = f"  imap_capability = {self._capabilities}" if self._capabilities else ""
        group = run(["id", "-gn", self.owner.name]).strip()
        text = _CONFIGURATION.format(
            folder=self.folder,
            host=HOST,
            owner=self.owner.name,
            group=group,
            uid=self.owner.uid,
            gid=self.owner.gid,
            certificate=self.folder / "server.pem",
            key=self.folder / "server.key",
            imap_settings=capability,
            settings=self._settings,
            **self.ports,
        )
        path = self.folder / "dovecot.conf"
        path.write_text(text)
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        self._spawn([DOVECOT, "-F", "-c", path], environment)
