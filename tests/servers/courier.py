"""Courier imapd and pop3d, unpacked from Debian's packages.

The path of authdaemond's socket is compiled into libcourierauth.so.0. A private copy of the
library gets another path, and a thread of the tests answers there.
"""

import contextlib
import re
import socket
import threading
from pathlib import Path

from tests.servers.packages import library_path, unpacked
from tests.servers.process import HOST, MailServer, ServerUnavailable, run

PACKAGES = ("courier-base", "courier-imap", "courier-pop", "courier-authlib")
FILE_MONITOR_PACKAGES = ("gamin", "libgamin0")  # up to Debian 12; later releases need none
LIBEXEC = Path("usr/lib/courier/courier")
FILE_MONITOR = "usr/libexec/gam_server"
NEEDED = (
    "usr/sbin/couriertcpd",
    "usr/bin/imapd",
    "usr/bin/maildirmake.courier",
    *(str(LIBEXEC / name) for name in ("imaplogin", "courierpop3login", "courierpop3d")),
)

# The compiled-in path, as one constant or as two of 16 octets that overlap by one.
_SOCKET = b"/run/courier/authdaemon/socket\0"
_SOCKET_HALVES = (_SOCKET[:16], _SOCKET[15:])


class Courier(MailServer):
    """Courier. It says its own namespace: mailboxes live below ``INBOX.``"""

    def add_user(self, user: str, password: str) -> None:
        home = self.folder / "home" / user
        home.mkdir()
        make = self._root / "usr/bin/maildirmake.courier"
        run([make, home / "Maildir"], environment=self._imap_environment)
        self.give_to_owner(home, *home.rglob("*"))
        self.users[user] = password

    def maildir(self, user: str) -> Path:
        return self.folder / "home" / user / "Maildir"

    def account(self, user: str) -> bytes:
        """What authdaemond answers for a user whose password is right."""
        home = self.folder / "home" / user
        return (
            f"UID={self.owner.uid}\nGID={self.owner.gid}\nHOME={home}\nADDRESS={user}\n"
            f"NAME={user}\nMAILDIR={home}/Maildir\nOPTIONS=\n.\n"
        ).encode()

    def stop(self) -> None:
        super().stop()
        if self._authentication is not None:
            self._authentication.close()
            self._authentication = None

    _authentication: "_Authentication | None" = None

    def _configure(self) -> None:
        self._root = unpacked("courier", PACKAGES, NEEDED, optional=FILE_MONITOR_PACKAGES)
        (self.folder / "lib").mkdir()
        (self.folder / "home").mkdir()
        self._redirect_authentication()
        common = {
            "PATH": f"{self._root}/usr/bin:/usr/bin:/bin",
            "LD_LIBRARY_PATH": f"{self.folder}/lib:{library_path(self._root)}",
            "GAM_CLIENT_ID": self.folder.name,
        }
        self._imap_environment = common | self._settings("imapd") | {"IMAP_ENHANCEDIDLE": "1"}
        self._pop3_environment = common | self._settings("pop3d")

    def _settings(self, name: str) -> dict[str, str]:
        lines = (self._root / "etc/courier" / name).read_text(errors="replace")
        found = re.findall(r"^([A-Z0-9_]+)=(.*)$", lines, re.MULTILINE)
        return {key: value.strip('"') for key, value in found if "$" not in value}

    def _redirect_authentication(self) -> None:
        path = str(self.folder / "s").encode().ljust(len(_SOCKET), b"\0")
        if len(path) > len(_SOCKET):
            raise ServerUnavailable(f"{self.folder} is too long a path for Courier's socket")
        first, second = _SOCKET_HALVES
        code = (self._root / "usr/lib/libcourierauth.so.0").read_bytes()
        if code.count(_SOCKET) == 1:
            code = code.replace(_SOCKET, path)
        elif code.count(first) == code.count(second) == 1:
            code = code.replace(first, path[:16]).replace(second, path[15:])
        else:
            raise ServerUnavailable("libcourierauth.so.0: the socket's path was not found")
        (self.folder / "lib/libcourierauth.so.0").write_bytes(code)

    def _launch(self) -> None:
        self._authentication = _Authentication(self, self.folder / "s")
        if (self._root / FILE_MONITOR).exists():
            # Else every login waits 1.2 s for the file monitor, every mailbox change 1 s.
            monitor = f"{self._root}/{FILE_MONITOR} --notimeout {self.folder.name}"
            self._spawn(monitor.split(), self._imap_environment)
        libexec = self._root / LIBEXEC
        pop3 = f"{libexec}/courierpop3login {libexec}/courierpop3d Maildir"
        imap = f"{libexec}/imaplogin {self._root}/usr/bin/imapd Maildir"
        self._listen("pop3", pop3, self._pop3_environment)
        self._listen("imap", imap, self._imap_environment)

    def _listen(self, service: str, program: str, settings: dict[str, str]) -> None:
        limits = "-maxprocs=100 -maxperip=100 -nodnslookup"
        listener = f"{self._root}/usr/sbin/couriertcpd -address={HOST} {limits}"
        self._spawn(f"{listener} {self.ports[service]} {program}".split(), settings)


class _Authentication:
    """The part of authdaemond that the login programs ask: AUTH with user and password."""

    def __init__(self, server: Courier, path: Path) -> None:
        self._server = server
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        path.chmod(0o777)
        self._socket.listen(64)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                connection.sendall(self._answer(connection))

    def _answer(self, connection: socket.socket) -> bytes:
        data = b""
        while piece := connection.recv(65536):
            data += piece
            asked = re.search(rb"(?:^|\n)AUTH (\d+)\n", data)
            if asked and len(data) >= asked.end() + int(asked[1]):
                return self._check(data[asked.end() :].split(b"\n"))
            if not asked and re.search(rb"(?:^|\n)(?:PRE|PASSWD|ENUMERATE)\b.*\n", data):
                break
        return b"FAIL\n"

    def _check(self, question: list[bytes]) -> bytes:
        match question:
            case [_, b"login", user, password, *_]:
                name = user.decode(errors="replace")
                expected = self._server.users.get(name)
                if expected is not None and expected.encode() == password:
                    return self._server.account(name)
        return b"FAIL\n"
