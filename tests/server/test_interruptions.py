"""Stopped anywhere, a sync loses nothing, and the next one goes on from there."""

import contextlib
import random
import signal
import subprocess
import time

import pytest

from tests.corpus.ordinary import generate, small
from tests.server.accounts import read
from tests.server.vault import Vault, difference, totals
from tests.servers.dovecot import Dovecot
from tests.servers.fault_proxy import Fault, FaultProxy, Kind
from tests.servers.maildir import fill
from tests.servers.users import MailUser

pytestmark = pytest.mark.server

KILLS = 50
BATCH_OCTETS = 10_000_000  # a thousand of these messages


@pytest.fixture
def large_user(mail_user: MailUser, dovecot: Dovecot) -> MailUser:
    """A user with 4,000 messages in three mailboxes."""
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    mail = dovecot.maildir(mail_user.name)
    fill(mail, generate(1, 1_500), owner=owner)
    fill(mail / "Lists" / "long", small(2, 2_000), owner=owner)
    fill(mail / "Archive", generate(3, 500), owner=owner)
    return mail_user


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_signal_ends_a_sync_soon_and_cleanly(
    vault: Vault, large_user: MailUser, number: signal.Signals, code: int
) -> None:
    with FaultProxy(large_user.port, lambda _: Fault(Kind.STALL, 3_000_000)) as proxy:
        vault.configure(large_user, port=proxy.port)
        with vault.start("sync") as process:
            while not proxy.wait_for(lambda traffic: traffic.received > 3_000_000):
                assert process.poll() is None, process.communicate()
            process.send_signal(number)
            began = time.monotonic()
            _, said = process.communicate(timeout=30)
            seconds = time.monotonic() - began

    assert process.returncode == code
    assert seconds < 5
    assert b"Traceback" not in said
    assert not list((vault.archive / "tmp").iterdir())
    vault.configure(large_user)
    vault.sync()
    assert not difference(vault.holdings(), read(large_user))


def test_a_signal_while_connecting_ends_a_sync_soon(vault: Vault, mail_user: MailUser) -> None:
    with FaultProxy(mail_user.port, lambda _: Fault(Kind.STALL, 0)) as proxy:
        vault.configure(mail_user, port=proxy.port)
        with vault.start("sync") as process:
            while not proxy.wait_for(lambda traffic: traffic.connections > 0):
                assert process.poll() is None, process.communicate()
            process.terminate()
            process.communicate(timeout=5)

    assert process.returncode == 143


def test_fifty_kills_lose_nothing(vault: Vault, large_user: MailUser, dovecot: Dovecot) -> None:
    chance = random.Random(20)
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    kills = 0

    with FaultProxy(large_user.port) as proxy:
        vault.configure(large_user, port=proxy.port)
        for number in range(KILLS):
            if number % 4 == 3:  # so that there is always something to do
                more = generate(100 + number, 150)
                fill(dovecot.maildir(large_user.name) / "Lists" / "long", more, owner=owner)
            place = proxy.traffic.received + int(chance.random() ** 2 * 15_000_000)
            kills += _killed(vault, proxy, place, chance.uniform(0, 0.3))
        vault.sync()

    served = read(large_user)
    octets = sum(seen.size for seen in served.messages.values())
    assert not difference(vault.holdings(), served)
    assert vault.run("verify", "--json").document()["findings"] == []
    assert proxy.traffic.received < octets + kills * BATCH_OCTETS
    assert kills > KILLS // 2, "most syncs were done before they were killed"


def _killed(vault: Vault, proxy: FaultProxy, place: int, seconds: float) -> bool:
    """Kill a sync so long after it received so much; False if it was done before."""
    with vault.start("sync") as process:
        while not proxy.wait_for(lambda traffic: traffic.received >= place):
            if process.poll() is not None:
                break
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.kill()
        _, said = process.communicate()
    assert process.returncode in (0, -signal.SIGKILL), said
    return process.returncode != 0


@pytest.mark.parametrize("kind", [Kind.CLOSE, Kind.RESET])
def test_a_cut_connection_is_taken_up_again(
    vault: Vault, large_user: MailUser, kind: Kind
) -> None:
    chance = random.Random(4)
    places = [chance.randrange(12_000_000) for _ in range(4)]

    def fault_of(connection: int) -> Fault:
        return Fault(kind, places[connection]) if connection < len(places) else Fault()

    with FaultProxy(large_user.port, fault_of) as proxy:
        vault.configure(large_user, port=proxy.port)
        vault.sync()

    assert not difference(vault.holdings(), read(large_user))
    assert proxy.traffic.connections > len(places) // 2


def test_a_connection_that_is_always_cut_fails_and_keeps_what_came(
    vault: Vault, large_user: MailUser
) -> None:
    with FaultProxy(large_user.port, lambda _: Fault(Kind.RESET, 6_000_000)) as proxy:
        vault.configure(large_user, port=proxy.port, settings="connections = 1")
        outcome = vault.run("sync")
        again = vault.run("sync")

    assert "Traceback" not in outcome.stderr + again.stderr
    assert not difference(vault.holdings(), read(large_user))


def test_octets_that_come_one_at_a_time_are_the_same(
    vault: Vault, mail_user: MailUser, dovecot: Dovecot
) -> None:
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    fill(dovecot.maildir(mail_user.name), generate(1, 10), owner=owner)

    with FaultProxy(mail_user.port, lambda _: Fault(Kind.SPLIT)) as proxy:
        vault.configure(mail_user, port=proxy.port)
        report = vault.sync()

    assert totals(report, "arrived") == 10
    assert not difference(vault.holdings(), read(mail_user))
