"""The real servers, started once for a run and shared by the tests, each with its own user."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.courier import Courier
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import Dovecot
from tests.servers.oauth_provider import OAuthProvider
from tests.servers.process import MailServer, ServerUnavailable
from tests.servers.users import MailUser, new_user

TORTURE_SECONDS = 3600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hundreds of kills take longer than the limit that finds what hangs elsewhere."""
    for item in items:
        if item.get_closest_marker("torture") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TORTURE_SECONDS))


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
    with available(server := Dovecot(is_plain=True)):
        yield server


@pytest.fixture(scope="session")
def maildir_dovecot() -> Iterator[Dovecot]:
    """Dovecot that keeps mailboxes as it does by itself, in Maildir++."""
    with available(server := Dovecot(layout="maildir++")):
        yield server


@pytest.fixture(scope="session")
def cyrus() -> Iterator[Cyrus]:
    with available(server := Cyrus()):
        yield server


@pytest.fixture(scope="session")
def courier() -> Iterator[Courier]:
    with available(server := Courier()):
        yield server


@pytest.fixture(scope="session")
def oauth_provider() -> Iterator[OAuthProvider]:
    with available(server := OAuthProvider()):
        yield server


@pytest.fixture(scope="session")
def oauth_dovecot(oauth_provider: OAuthProvider) -> Iterator[Dovecot]:
    """Dovecot that takes the provider's tokens."""
    with available(server := Dovecot(introspection_url=oauth_provider.introspection_url)):
        yield server


@pytest.fixture
def mail_user(dovecot: Dovecot) -> MailUser:
    """A fresh user of Dovecot."""
    return new_user(dovecot)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder for one configuration and its archive."""
    return tmp_path
