"""People with mailboxes on the test servers."""

import itertools
from dataclasses import dataclass

from tests.servers.imap_session import ImapSession
from tests.servers.process import MailServer

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class MailUser:
    """Somebody with an empty mailbox on a real server."""

    server: MailServer
    name: str
    password: str

    @property
    def port(self) -> int:
        """Where IMAP is spoken without TLS."""
        return self.server.ports["imap"]

    def session(self) -> ImapSession:
        """Log in with the byte-exact client of the tests."""
        return ImapSession(self.port, self.name, self.password)


def new_user(server: MailServer, password: str = "pw for tests") -> MailUser:
    """Add a user of whom no test has heard yet.

    The password is given here and stays: servers look for a new one once a second at most.
    """
    user = MailUser(server, f"user{next(_numbers)}", password)
    server.add_user(user.name, user.password)
    return user
