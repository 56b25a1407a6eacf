"""Dovecot's submission service, and somebody behind it who takes the mail."""

import socketserver
import threading
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from tests.servers.dovecot import Dovecot
from tests.servers.process import HOST, ServerUnavailable

PROGRAM = Path("/usr/lib/dovecot/submission-login")

_SETTINGS = """
protocols = imap pop3 submission
submission_relay_host = {host}
submission_relay_port = {relay}
service submission-login {{
  chroot =
  inet_listener submission {{
    port = {submission}
  }}
  inet_listener submissions {{
    port = {submissions}
    ssl = yes
  }}
}}
"""


PATIENCE = 120.0
"""Seconds for what comes within a few on a machine that has nothing else to do."""


class Postbox(socketserver.ThreadingTCPServer):
    """Takes every message (RFC 5321) and keeps it."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Visit)
        self.messages: list[EmailMessage] = []
        self._arrived = threading.Condition()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def take(self, message: EmailMessage) -> None:
        with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()

    def wait_for(self, count: int) -> list[EmailMessage]:
        """The messages, when there are so many."""
        with self._arrived:
            is_there = self._arrived.wait_for(lambda: len(self.messages) >= count, PATIENCE)
            assert is_there, f"only {len(self.messages)} messages came"
            return list(self.messages)

    def close(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Visit(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say("220 postbox")
        while line := self.rfile.readline():
            match line.split()[0].upper() if line.strip() else b"":
                case b"DATA":
                    self._say("354 go on")
                    self._take()
                case b"QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 postbox")

    def _take(self) -> None:
        content = b""
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            content += line.removeprefix(b".") if line.startswith(b"..") else line
        message = message_from_bytes(content, policy=default)
        cast("Postbox", self.server).take(message)
        self._say("250 taken")

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


class SubmissionDovecot(Dovecot):
    """Takes mail with STARTTLS, TLS or none; only from who logs in."""

    services = ("imap", "imaps", "pop3", "pop3s", "submission", "submissions")

    def __enter__(self) -> Self:
        if not PROGRAM.exists():
            raise ServerUnavailable("missing: sudo apt-get install dovecot-submissiond")
        self.postbox = Postbox()
        try:
            return super().__enter__()
        except BaseException:
            self.postbox.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, traceback)
        self.postbox.close()

    def _more_settings(self) -> str:
        return _SETTINGS.format(host=HOST, relay=self.postbox.port, **self.ports)
