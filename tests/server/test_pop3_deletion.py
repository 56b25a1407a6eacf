"""Deleting on a real server, disturbed in every way: nothing unarchived is ever deleted."""

import random
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.mail.model import Digest
from mailvault.wiring import SystemClock
from tests.corpus.ordinary import small
from tests.server.killing import RandomKiller
from tests.server.test_pop3 import AT_ONCE, digests, pop3_settings, pop3_vault, served
from tests.server.vault import RUN_SECONDS, Vault
from tests.servers.dovecot import Dovecot
from tests.servers.fault_proxy import Fault, FaultProxy, Kind
from tests.servers.pop3_session import Pop3Session
from tests.servers.users import MailUser

pytestmark = pytest.mark.server

CUTS = 30
KILLS = 10
MESSAGES = 12


class Mail:
    """Mail that a server was given, and where each message is now."""

    def __init__(self, user: MailUser, dovecot: Dovecot) -> None:
        self._user = user
        self._dovecot = dovecot
        self._rounds = 0
        self.given: set[str] = set()

    def add(self, count: int) -> None:
        """Give the user mail that nobody has seen yet."""
        self._rounds += 1
        letters = list(small(1_000 + self._rounds, count))
        with self._user.session() as session:
            for letter in letters:
                session.append("INBOX", letter.octets, [], None)
        self.given |= set(digests(served(self._user)).values())

    def assert_nothing_is_lost(self, vault: Vault) -> int:
        """Each message lies on the server, or can be read from the archive. Give the latter."""
        left = set(digests(served(self._user)).values())
        gone = self.given - left
        if gone:
            with Archive.open(vault.archive, writing=False, clock=SystemClock()) as archive:
                for digest in gone:
                    archive.content.prove(Digest.parse(digest))
        return len(gone)


@pytest.fixture
def mail(mail_user: MailUser, dovecot: Dovecot) -> Mail:
    return Mail(mail_user, dovecot)


def deletion_octets(user: MailUser) -> int:
    """What the server says while it deletes everything, roughly: an upper bound."""
    with Pop3Session(user.server.ports["pop3"], user.name, user.password) as session:
        return sum(len(session.retrieve(number)) for number in session.uidls()) + 4_000


def cut(vault: Vault, user: MailUser, fault: Fault, connection: int) -> None:
    """Sync over a wire that breaks once, in this connection."""

    def fault_of(number: int) -> Fault:
        return fault if number == connection else Fault()

    with FaultProxy(user.server.ports["pop3"], fault_of) as proxy:
        settings = pop3_settings(user, AT_ONCE + "timeout = 5\n", proxy.port)
        vault.configure(user, settings=settings)
        with vault.start("sync") as process:
            _, said = process.communicate(timeout=RUN_SECONDS)
    assert process.returncode in (0, 3, 10), said
    assert b"Traceback" not in said


def check_cuts(folder: Path, user: MailUser, mail: Mail, cuts: int) -> None:
    chance = random.Random(300)
    vault = pop3_vault(folder, user, AT_ONCE)
    for number in range(cuts):
        mail.add(MESSAGES)
        # The second connection is the one that deletes: DELE and QUIT are its last words.
        most = deletion_octets(user) if number % 3 == 0 else 2_500
        fault = Fault(chance.choice([Kind.CLOSE, Kind.RESET]), chance.randrange(most))
        cut(vault, user, fault, 1 if number % 3 else 0)
        mail.assert_nothing_is_lost(vault)
    vault.configure(user, settings=pop3_settings(user, AT_ONCE))
    vault.sync()
    assert mail.assert_nothing_is_lost(vault) == len(mail.given)
    assert vault.run("verify", "--json").document()["findings"] == []


def check_kills(folder: Path, user: MailUser, mail: Mail, kills: int) -> None:
    killer = RandomKiller(100)
    vault = pop3_vault(folder, user, AT_ONCE)
    killed = 0
    for _ in range(kills):
        mail.add(MESSAGES)
        killed += killer.kill(vault, "sync")
        mail.assert_nothing_is_lost(vault)
    vault.sync()
    assert mail.assert_nothing_is_lost(vault) == len(mail.given)
    assert vault.run("verify", "--json").document()["findings"] == []
    assert killed > kills // 4, "most syncs were done before they were killed"


def test_a_session_cut_anywhere_deletes_nothing_unarchived(
    tmp_path: Path, mail_user: MailUser, mail: Mail
) -> None:
    check_cuts(tmp_path, mail_user, mail, CUTS)


def test_a_deleting_sync_killed_anywhere_loses_nothing(
    tmp_path: Path, mail_user: MailUser, mail: Mail
) -> None:
    check_kills(tmp_path, mail_user, mail, KILLS)


def test_a_server_that_never_answers_quit_is_asked_again(
    tmp_path: Path, mail_user: MailUser, mail: Mail
) -> None:
    mail.add(40)
    vault = pop3_vault(tmp_path, mail_user, AT_ONCE)

    # Forty answers to DELE and then silence: past the headers, before the farewell.
    for at in range(600, 30_000, 4_000):
        cut(vault, mail_user, Fault(Kind.STALL, at), 1)
        mail.assert_nothing_is_lost(vault)
    vault.configure(mail_user, settings=pop3_settings(mail_user, AT_ONCE))
    vault.sync()

    assert mail.assert_nothing_is_lost(vault) == len(mail.given) == 40
