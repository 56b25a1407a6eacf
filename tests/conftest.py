"""The real servers, started once for a run and shared by the tests, each with its own user."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.courier import Courier
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import PLAIN_CAPABILITIES, Dovecot
from tests.servers.imap_session import ImapSession
from tests.servers.process import MailServer, ServerUnavailable

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


def new_user(server: MailServer) -> MailUser:
    """Add a user of whom no test has heard yet."""
    user = MailUser(server, f"user{next(_numbers)}", "pw for tests")
    server.add_user(user.name, user.password)
    return user


@contextmanager
def available(server: MailServer) -> Iterator[MailServer]:
    """Start a server. Where its packages cannot be had, skip, or fail in CI."""
    try:
        server.__enter__()
    except ServerUnavailable as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    try:
        yield server
    finally:
        server.__exit__(None, None, None)


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    with available(server := Dovecot()):
        yield server


@pytest.fixture(scope="session")
def plain_dovecot() -> Iterator[Dovecot]:
    """Dovecot without CONDSTORE, QRESYNC, COMPRESS and the extended LISTs."""
    with available(server := Dovecot(capabilities=PLAIN_CAPABILITIES)):
        yield server


@pytest.fixture(scope="session")
def cyrus() -> Iterator[Cyrus]:
    with available(server := Cyrus()):
        yield server


@pytest.fixture(scope="session")
def courier() -> Iterator[Courier]:
    with available(server := Courier()):
        yield server


@pytest.fixture
def mail_user(dovecot: Dovecot) -> MailUser:
    """A fresh user of Dovecot."""
    return new_user(dovecot)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder for one configuration and its archive."""
    return tmp_path
