"""Cyrus imapd and pop3d, unpacked from Debian's packages."""

import os
from pathlib import Path

from tests.servers.certificates import LOOPBACK_NAMES, Authority
from tests.servers.packages import library_path, unpacked
from tests.servers.process import HOST, MailServer, run

PACKAGES = ("cyrus-common", "cyrus-imapd", "cyrus-pop3d", "sasl2-bin", "libsasl2-modules")
SASLDB_PACKAGE = "libsasl2-modules-db"
PROGRAMS = Path("usr/lib/cyrus/bin")
NEEDED = ("master", "imapd", "pop3d", "ctl_cyrusdb", "idled")

_IMAPD_CONF = """\
cyrus_user: {owner}
configdirectory: {folder}/conf
defaultpartition: default
partition-default: {folder}/spool
idlesocket: {folder}/conf/socket/idle
lmtpsocket: {folder}/conf/socket/lmtp
notifysocket: {folder}/conf/socket/notify
servername: localhost
syslog_prefix: mailvault-tests
admins: admin
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {folder}/sasldb2
sasl_mech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256
tls_server_cert: {folder}/server.pem
tls_server_key: {folder}/server.key
virtdomains: off
unixhierarchysep: yes
altnamespace: yes
autocreate_quota: 0
munge8bit: no
reject8bit: no
popminpoll: 0
expunge_mode: immediate
delete_mode: immediate
maxlogins_per_user: 0
"""

_CYRUS_CONF = """\
START {{
  recover cmd="{programs}/ctl_cyrusdb -C {conf} -r"
}}
DAEMON {{
  idled cmd="{programs}/idled -C {conf}"
}}
SERVICES {{
  imap cmd="{programs}/imapd -C {conf}" listen="{host}:{imap}" prefork=0 maxchild=100
  imaps cmd="{programs}/imapd -s -C {conf}" listen="{host}:{imaps}" prefork=0 maxchild=100
  pop3 cmd="{programs}/pop3d -C {conf}" listen="{host}:{pop3}" prefork=0 maxchild=100
}}
EVENTS {{
}}
"""


class Cyrus(MailServer):
    """Cyrus with one flat namespace and "/" between the levels."""

    services = ("imap", "imaps", "pop3")

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def add_user(self, user: str, password: str) -> None:
        program = self._root / "usr/sbin/saslpasswd2"
        database = self.folder / "sasldb2"
        run(
            [program, "-p", "-c", "-f", database, "-u", "localhost", user],
            environment=self._environment,
            stdin=password.encode(),
        )
        self.give_to_owner(database)
        self.users[user] = password

    def _configure(self) -> None:
        packages = PACKAGES if _sasldb_folder(Path("/")) else (*PACKAGES, SASLDB_PACKAGE)
        needed = [str(PROGRAMS / name) for name in NEEDED]
        self._root = unpacked("cyrus", packages, [*needed, "usr/sbin/saslpasswd2"])
        self._environment = {
            "PATH": "/usr/bin:/bin",
            "LANG": "C",
            "LD_LIBRARY_PATH": library_path(self._root),
            "SASL_PATH": str(_sasldb_folder(self._root) or _sasldb_folder(Path("/"))),
        }
        for name in ("conf", "conf/socket", "conf/proc", "spool"):
            (self.folder / name).mkdir()
            self.give_to_owner(self.folder / name)
        certificate = Authority.create(self.folder).certify(*LOOPBACK_NAMES)
        self.give_to_owner(certificate.certificate_file, certificate.key_file)
        (self.folder / "imapd.conf").write_text(
            _IMAPD_CONF.format(folder=self.folder, owner=self.owner.name)
        )
        self.add_user("admin", "admin")

    def _launch(self) -> None:
        programs = self._root / PROGRAMS
        conf = self.folder / "imapd.conf"
        (self.folder / "cyrus.conf").write_text(
            _CYRUS_CONF.format(programs=programs, conf=conf, host=HOST, **self.ports)
        )
        # Without -d the master stays in the foreground and is our child.
        files = "-C imapd.conf -M cyrus.conf -p master.pid -L stderr.log"
        self._spawn([programs / "master", *files.split()], self._environment)


def _sasldb_folder(root: Path) -> Path | None:
    folder = root / f"usr/lib/{os.uname().machine}-linux-gnu/sasl2"
    return folder if (folder / "libsasldb.so").exists() else None
