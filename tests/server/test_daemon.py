"""The daemon against a real server: new mail, silence, signals, and who else would run."""

import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mailvault import wiring
from mailvault.config.load import load
from tests.corpus.ordinary import generate
from tests.server.accounts import append_all
from tests.server.unattended import (
    PATIENCE,
    RunningDaemon,
    environment_of,
    schedule,
    start_daemon,
    start_hasty,
    systemd_at,
)
from tests.server.vault import Json, Vault
from tests.servers.dovecot import Dovecot
from tests.servers.fault_proxy import Fault, FaultProxy, Kind
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server


@pytest.fixture
def vault(tmp_path: Path, mail_user: MailUser) -> Vault:
    """An archive, still empty, of the user's account; made without a process of its own."""
    return made(Vault(tmp_path, mail_user))


def made(vault: Vault) -> Vault:
    wiring.create_archive(load(vault.configuration)).close()
    return vault


def deliver(user: MailUser, number: int) -> None:
    with user.session() as session:
        append_all(session, "INBOX", generate(number, 1))


def wait_until_archived(vault: Vault, messages: int) -> None:
    end = time.monotonic() + PATIENCE
    while len(vault.placements()) < messages:
        assert time.monotonic() < end, "the mail never came"


def add_account(vault: Vault, name: str, user: MailUser, lines: str = "") -> None:
    with vault.configuration.open("a") as file:
        file.write(
            f'\n[accounts.{name}]\nprotocol = "imap"\nhost = "127.0.0.1"\nport = {user.port}\n'
            f'tls = "none"\nuser = "{user.name}"\npassword = "{user.password}"\n{lines}\n'
        )


def ended(account: str, code: int = 0) -> Callable[[Json], bool]:
    return lambda told: (told.get("job"), told.get("code")) == (f"sync {account}", code)


def test_new_mail_is_archived_although_nothing_is_scheduled(
    vault: Vault, mail_user: MailUser
) -> None:
    vault.configure(mail_user, settings="watch = true")
    with start_daemon(vault) as daemon:
        daemon.wait_for_log("sync work: 0 new")
        deliver(mail_user, 1)
        daemon.wait_for_log("sync work: 1 new")
        deliver(mail_user, 2)
        daemon.wait_for_log("sync work: 1 new", count=2)

        assert daemon.end() == 0

    assert len(vault.placements()) == 2


def test_a_watch_survives_its_connection(vault: Vault, mail_user: MailUser) -> None:
    cut = [Fault(Kind.RESET, 3_000), Fault(Kind.CLOSE, 3_000)]
    with FaultProxy(
        mail_user.port, lambda number: cut[number] if number < len(cut) else Fault()
    ) as proxy:
        vault.configure(mail_user, port=proxy.port, settings="watch = true")
        with start_hasty(vault, pauses=[0.1]) as daemon:
            for number in range(6):  # enough to reach the octets at which the wire breaks
                deliver(mail_user, number)
            wait_until_archived(vault, 6)
            deliver(mail_user, 7)
            wait_until_archived(vault, 7)

            assert daemon.end() == 0


def test_idle_is_renewed_before_the_server_gives_up(
    tmp_path: Path, plain_dovecot: Dovecot
) -> None:
    user = new_user(plain_dovecot)  # whose conversation is not compressed
    vault = made(Vault(tmp_path, user))
    with FaultProxy(user.port) as proxy:
        vault.configure(user, port=proxy.port, settings="watch = true")
        with start_hasty(vault, renewal=0.1) as daemon:
            assert proxy.wait_for(
                lambda traffic: traffic.commands.count("IDLE") >= 3, seconds=PATIENCE
            )
            deliver(user, 1)
            daemon.wait_for_log("sync work: 1 new")

            assert daemon.end() == 0


def test_other_mailboxes_than_inbox_can_be_watched(vault: Vault, mail_user: MailUser) -> None:
    with mail_user.session() as session:
        session.create("Lists/one")
        session.create("Lists/two")
    vault.configure(mail_user, settings='watch = true\nwatch_mailboxes = ["Lists/*"]')
    with start_daemon(vault) as daemon:
        daemon.wait_for_log("sync work: 0 new")
        with mail_user.session() as session:
            append_all(session, "Lists/two", generate(1, 1))
        daemon.wait_for_log("sync work: 1 new")

        assert daemon.end() == 0


def test_a_signal_ends_it_soon_while_the_server_is_silent(
    vault: Vault, mail_user: MailUser
) -> None:
    with FaultProxy(mail_user.port, lambda _: Fault(Kind.STALL, 10)) as proxy:
        vault.configure(mail_user, port=proxy.port)
        schedule(vault, 'sync = "15m"')
        with start_daemon(vault) as daemon:
            daemon.wait_for_log("sync work: begins")
            began = time.monotonic()
            code = daemon.end()
            seconds = time.monotonic() - began

    assert code == 0
    assert seconds < 5
    assert not any("Traceback" in line for line in daemon.log)
    vault.configure(mail_user)
    vault.sync()


def test_ctrl_c_ends_an_idle_daemon_with_0(vault: Vault, mail_user: MailUser) -> None:
    vault.configure(mail_user, settings="watch = true")
    with start_daemon(vault) as daemon:
        daemon.wait_for_log("sync work: 0 new")

        assert daemon.end(signal.SIGINT) == 0


def test_a_new_configuration_is_taken_if_nothing_is_wrong_with_it(
    vault: Vault, mail_user: MailUser, dovecot: Dovecot
) -> None:
    other = new_user(dovecot)
    schedule(vault, 'sync = "1h"')
    text = vault.configuration.read_text()
    with start_daemon(vault) as daemon:
        daemon.wait_for_log("sync work: 0 new")
        vault.configuration.write_text(text.replace('"1h"', '"0 3 31 2 *"') + "\nprot = 1\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("keeps the old configuration")
        daemon.wait_for_log("never comes")
        daemon.wait_for_log("prot: unknown key")
        vault.configuration.write_text(text)
        add_account(vault, "other", other)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("sync other: 0 new")

        assert daemon.end() == 0

    assert sum("sync work: begins" in line for line in daemon.log) == 1


def test_of_all_that_would_run_the_schedules_one_does_and_the_others_leave(
    vault: Vault, mail_user: MailUser
) -> None:
    with FaultProxy(mail_user.port, lambda _: Fault(Kind.STALL, 10)) as proxy:
        vault.configure(mail_user, port=proxy.port)
        schedule(vault, 'sync = "15m"')
        wishes = (["daemon"], ["run", "--due"], ["run", "--due"], ["daemon"])
        running = [
            RunningDaemon(vault.command(*words), vault.environment(), vault.folder)
            for words in wishes
        ]
        try:
            end = time.monotonic() + PATIENCE
            while sum(each.process.poll() is None for each in running) > 1:
                assert time.monotonic() < end, [each.process.poll() for each in running]
            (winner,) = [each for each in running if each.process.poll() is None]
            codes = {each.process.returncode for each in running if each is not winner}
        finally:
            for each in running:
                each.__exit__(None, None, None)

    assert codes == {75}
    for each in running:
        if each is not winner:
            assert any("already runs the schedules" in line for line in each.log)


def test_a_command_by_hand_works_beside_the_daemon(vault: Vault, mail_user: MailUser) -> None:
    schedule(vault, 'sync = "1h"')
    with start_daemon(vault) as daemon:
        daemon.wait_for_log("sync work: 0 new")
        deliver(mail_user, 1)

        vault.sync()
        vault.run("verify")

        assert daemon.end() == 0
    assert len(vault.placements()) == 1


def test_an_account_whose_server_is_silent_makes_room_for_the_others(
    vault: Vault, mail_user: MailUser, dovecot: Dovecot
) -> None:
    healthy = new_user(dovecot)
    with FaultProxy(mail_user.port, lambda _: Fault(Kind.STALL, 10)) as proxy:
        vault.configure(mail_user, port=proxy.port, settings='timeout = "1s"')
        add_account(vault, "healthy", healthy)
        schedule(vault, 'sync = "5s"\nat_once = 1')
        with start_hasty(vault, slot=0.5) as daemon:
            for _ in range(2):
                daemon.wait_for(ended("healthy"))


@pytest.mark.parametrize("days", [1, -400], ids=["forward", "back"])
def test_a_clock_that_is_set_while_it_sleeps_is_noticed(
    vault: Vault, mail_user: MailUser, days: int
) -> None:
    schedule(vault, 'sync = "1h"')
    with start_hasty(vault, tick=0.2, leap=days * 86400) as daemon:
        daemon.wait_for(ended("work"))
        daemon.wait_for(ended("work"))
        daemon.process.kill()

    assert any("the clock was set" in line for line in daemon.log)


def test_a_killed_daemon_leaves_the_lease_to_the_next(
    vault: Vault, mail_user: MailUser
) -> None:
    schedule(vault, 'sync = "1h"')
    with start_daemon(vault) as daemon:
        daemon.wait_for_log("sync work: 0 new")
        daemon.process.kill()
        daemon.process.wait()
        with start_daemon(vault) as another:
            another.wait_for_log("the daemon is ready")

            assert another.end() == 0


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_systemd_hears_of_ready_reload_life_and_end(
    vault: Vault, mail_user: MailUser, tmp_path: Path, kind: str
) -> None:
    schedule(vault, 'sync = "1h"')
    address = str(tmp_path / "notify") if kind == "path" else f"@mailvault {tmp_path}"
    with (
        systemd_at(address) as systemd,
        start_daemon(vault, **environment_of(systemd, watchdog=1.0)) as daemon,
    ):
        assert systemd.wait_for("READY")["STATUS"] == "1 jobs, 0 accounts watched"
        systemd.wait_for("WATCHDOG")
        systemd.wait_for("WATCHDOG")
        daemon.process.send_signal(signal.SIGHUP)
        reloading = systemd.wait_for("RELOADING")
        systemd.wait_for("READY")
        daemon.process.terminate()
        systemd.wait_for("STOPPING")
        code = daemon.process.wait(PATIENCE)

    assert re.fullmatch("[0-9]+", reloading["MONOTONIC_USEC"])
    assert code == 0


def test_systemd_hears_nothing_more_of_work_that_is_stuck(
    vault: Vault, mail_user: MailUser, tmp_path: Path
) -> None:
    with FaultProxy(mail_user.port, lambda _: Fault(Kind.STALL, 10)) as proxy:
        vault.configure(mail_user, port=proxy.port)
        schedule(vault, 'sync = "15m"')
        with (
            systemd_at(str(tmp_path / "notify")) as systemd,
            start_hasty(
                vault, environment_of(systemd, watchdog=0.6), tick=0.2, stall=1.0
            ) as daemon,
        ):
            systemd.wait_for("READY")
            systemd.wait_for("WATCHDOG")  # work under way is alive at first
            daemon.wait_for_log("the work on mail is stuck")

            while not systemd.hush(1.5):  # what was sent before it got stuck
                pass


def test_its_log_is_made_for_the_journal_or_for_programs(
    vault: Vault, mail_user: MailUser
) -> None:
    with start_daemon(vault) as daemon:
        daemon.wait_for_log("info: the daemon is ready")
        daemon.end()
    command = [*vault.command("daemon"), "--log-format", "json"]
    with RunningDaemon(command, vault.environment(), vault.folder) as daemon:
        daemon.wait_for_log('"message": "the daemon is ready')
        daemon.end()
    assert all(line.startswith('{"time": ') for line in daemon.log)


def memory_of(vault: Vault, syncs: int) -> dict[int, int]:
    """The octets in use after each ten of so many syncs."""
    resident: dict[int, int] = {}
    with start_hasty(vault, syncs=syncs) as daemon:
        while "threads" not in (told := daemon.wait_for(lambda told: "job" not in told)):
            resident[told["syncs"]] = told["resident"]

        assert daemon.process.wait(PATIENCE) == 0
    assert told["threads"] < 20
    return resident


def test_syncs_leave_nothing_behind_in_memory(vault: Vault, furnished_user: MailUser) -> None:
    schedule(vault, 'sync = "1d"')

    resident = memory_of(vault, 30)

    assert resident[30] - resident[10] < 12 << 20, resident


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_a_thousand_syncs_leave_nothing_behind_in_memory(
    vault: Vault, furnished_user: MailUser
) -> None:
    schedule(vault, 'sync = "1d"')

    resident = memory_of(vault, 1_000)

    # A heap breathes by some MiB; it must not breathe in for ever.
    most = {
        part: max(resident[part * 100 + each] for each in range(10, 101, 10))
        for part in range(10)
    }
    assert most[9] - most[0] < 4 << 20, most
    print("most in use in each hundred:", most)
