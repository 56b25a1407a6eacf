"""Alarms of processes that end before their time, or never hear how a run ended."""

import signal
import subprocess
import threading
from collections.abc import Iterator

import pytest

from tests.server.unattended import schedule, start_daemon, start_hasty
from tests.server.vault import Vault
from tests.servers.fault_proxy import Fault, FaultProxy, Kind
from tests.servers.users import MailUser
from tests.servers.webhook import PATIENCE, Listener, Moment

pytestmark = pytest.mark.server

WRONG = 'password = "wrong"'
END_SECONDS = 15.0
"""For an end that takes less than 5 where nothing else is to be done."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def notify(vault: Vault, listener: Listener, lines: str = "") -> None:
    with vault.configuration.open("a") as file:
        file.write(f'\n[notify]\nwebhook_url = "{listener.url}"\n{lines}\n')


class Killer:
    """Kills the next command at a moment of its first call."""

    def __init__(self, listener: Listener, moment: Moment) -> None:
        self._listener, self._moment = listener, moment
        self._is_known = threading.Event()
        self._victim: subprocess.Popen[bytes] | None = None

    def run(self, vault: Vault, *arguments: str) -> int:
        self._listener.at[self._moment] = self._kill
        self._victim = vault.start(*arguments)
        self._is_known.set()
        with self._victim:
            self._victim.communicate(timeout=PATIENCE)
        self._listener.at.clear()
        return self._victim.returncode

    def _kill(self) -> None:
        self._is_known.wait(PATIENCE)
        assert self._victim is not None
        self._victim.kill()
        raise ConnectionAbortedError


@pytest.mark.parametrize(
    ("moment", "least", "most"),
    [(Moment.CALLED, 1, 1), (Moment.HEARD, 2, 2), (Moment.ANSWERED, 1, 2)],
)
def test_a_kill_while_an_alarm_is_sent_costs_a_repeated_one_at_most_and_never_one(
    vault: Vault, mail_user: MailUser, listener: Listener, moment: Moment, least: int, most: int
) -> None:
    vault.configure(mail_user, settings=WRONG)
    notify(vault, listener)
    code = Killer(listener, moment).run(vault, "sync")
    # Whom the answer reached may have ended by itself before the kill came.
    assert code == -signal.SIGKILL or (moment is Moment.ANSWERED and code == 11)

    vault.run("verify")

    posted = listener.posted()
    assert least <= len(posted) <= most
    assert {each["kind"] for each in posted} == {"login"}
    assert len({each["id"] for each in posted}) == 1
    vault.run("sync", code=11)
    assert listener.posted() == posted


def test_a_kill_while_the_end_of_a_trouble_is_told_does_not_lose_it(
    vault: Vault, mail_user: MailUser, listener: Listener
) -> None:
    vault.configure(mail_user, settings=WRONG)
    notify(vault, listener)
    vault.run("sync", code=11)
    vault.configure(mail_user)
    notify(vault, listener)
    assert Killer(listener, Moment.CALLED).run(vault, "sync") == -signal.SIGKILL

    vault.run("verify")
    vault.run("sync")

    assert [each["event"] for each in listener.posted()] == ["failure", "recovery"]


def test_a_daemon_ends_soon_while_a_listener_hangs_and_the_next_process_tells(
    vault: Vault, mail_user: MailUser, listener: Listener
) -> None:
    vault.configure(mail_user, settings=WRONG)
    schedule(vault, 'sync = "1h"')
    notify(vault, listener)
    is_called, is_over = threading.Event(), threading.Event()

    def hang() -> None:
        is_called.set()
        is_over.wait(PATIENCE)
        raise ConnectionAbortedError

    listener.at[Moment.CALLED] = hang
    with start_daemon(vault) as daemon:
        assert is_called.wait(PATIENCE)
        daemon.process.terminate()
        code = daemon.process.wait(END_SECONDS)
    is_over.set()
    listener.at.clear()

    vault.run("verify")

    assert code == 0
    assert [each["kind"] for each in listener.posted()] == ["login"]


def test_an_account_whose_run_never_ends_is_told_to_be_without_a_success(
    vault: Vault, mail_user: MailUser, listener: Listener
) -> None:
    with FaultProxy(mail_user.port, lambda _: Fault(Kind.STALL, 10)) as proxy:
        vault.configure(mail_user, port=proxy.port, settings='timeout = "10m"')
        schedule(vault, 'sync = "15m"')
        notify(vault, listener, 'no_success_for = "1s"')
        with start_hasty(vault, ages_every=0.1) as daemon:
            daemon.wait_for_log("sync work: begins")

            told = listener.wait_for(bool)

            assert daemon.end() == 0
    assert (told["event"], told["kind"], told["account"]) == ("failure", "no-success", "work")
    assert len(listener.posted()) == 1


def test_the_server_of_an_account_that_is_only_watched_is_told_to_be_away_and_back(
    vault: Vault, mail_user: MailUser, listener: Listener
) -> None:
    is_back = threading.Event()
    with FaultProxy(
        mail_user.port, lambda _: Fault() if is_back.is_set() else Fault(Kind.CLOSE)
    ) as proxy:
        vault.configure(mail_user, port=proxy.port, settings="watch = true")
        notify(vault, listener)
        with start_hasty(vault, pauses=[0.5]) as daemon:
            told = listener.wait_for(bool)
            is_back.set()
            over = listener.wait_for(lambda posted: posted["event"] == "recovery")

            assert daemon.end() == 0
    assert (told["event"], told["kind"], told["account"]) == ("failure", "network", "work")
    assert (over["kind"], over["account"]) == ("network", "work")
    assert len(listener.posted()) == 2
