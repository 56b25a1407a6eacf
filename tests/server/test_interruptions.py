"""Stopped anywhere, a sync loses nothing, and the next one goes on from there."""

import random
import re
import signal
import time
from pathlib import Path

import pytest

from tests.corpus.ordinary import generate, small
from tests.server.accounts import read
from tests.server.vault import Vault, difference, new_vault, totals
from tests.servers.dovecot import Dovecot
from tests.servers.fault_proxy import Fault, FaultProxy, Kind, Traffic
from tests.servers.maildir import fill
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server

KILLS = 50
ROUNDS = 5
UNDER_WAY = 6_000
"""Small messages that may be asked for, read, prepared, gathered or committed at one time."""


@pytest.fixture
def large_user(mail_user: MailUser, dovecot: Dovecot) -> MailUser:
    """A user with 2,000 messages in three mailboxes."""
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    mail = dovecot.maildir(mail_user.name)
    fill(mail, generate(1, 800), owner=owner)
    fill(mail / "Lists" / "long", small(2, 1_000), owner=owner)
    fill(mail / "Archive", generate(3, 200), owner=owner)
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
            output, said = process.communicate(timeout=30)
            seconds = time.monotonic() - began

    assert process.returncode == code
    assert seconds < 5
    assert output == b""
    assert said.splitlines()[-1].startswith(
        b"mailvault: interrupted: what was archived is safe"
    )
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


def test_fifty_kills_lose_nothing(
    tmp_path: Path, large_user: MailUser, dovecot: Dovecot
) -> None:
    chance = random.Random(20)
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    growing = dovecot.maildir(large_user.name) / "Lists" / "long"
    kills = 0

    with FaultProxy(large_user.port) as proxy:
        whole = new_vault(tmp_path / "whole", large_user)
        whole.configure(large_user, port=proxy.port)
        whole.sync()
        share = proxy.traffic.received // (KILLS // ROUNDS)
        for round_number in range(ROUNDS):
            vault = new_vault(tmp_path / f"{round_number}", large_user)
            vault.configure(large_user, port=proxy.port)
            for number in range(KILLS // ROUNDS):
                fill(growing, generate(100 * round_number + number, 20), owner=owner)
                kills += _killed(vault, proxy, chance.randrange(2 * share))
            vault.sync()
            assert not difference(vault.holdings(), read(large_user))
            assert vault.run("verify", "--json").document()["findings"] == []

    assert kills > KILLS // 3, "most syncs were done before they were killed"


def test_a_kill_costs_no_more_than_what_is_under_way(
    tmp_path: Path, plain_dovecot: Dovecot
) -> None:
    user = new_user(plain_dovecot)  # it does not compress, so commands can be read
    owner = (plain_dovecot.owner.uid, plain_dovecot.owner.gid)
    fill(plain_dovecot.maildir(user.name), small(5, 10_000), owner=owner)
    vault = new_vault(tmp_path / "vault", user)
    with FaultProxy(user.port) as proxy:
        vault.configure(user, port=proxy.port)
        with vault.start("sync") as process:
            while not proxy.wait_for(lambda traffic: _asked(traffic) > 9_000):
                assert process.poll() is None
            process.kill()
            process.communicate()
        asked = _asked(proxy.traffic)

    vault.configure(user)
    report = vault.sync()

    stored = 10_000 - totals(report, "arrived")
    assert stored >= asked - UNDER_WAY
    assert not difference(vault.holdings(), read(user))


def _asked(traffic: Traffic) -> int:
    """The highest UID whose body was asked for."""
    sets = re.findall(rb"UID FETCH [0-9,]*?(?:\d+:)?(\d+) \([^\r]*BODY", bytes(traffic.sent))
    return max(map(int, sets), default=0)


def _killed(vault: Vault, proxy: FaultProxy, octets: int) -> bool:
    """Start a sync and kill it once it got so much; False if it was done before."""
    until = proxy.traffic.received + octets
    with vault.start("sync") as process:
        while not proxy.wait_for(lambda traffic: traffic.received > until):
            if process.poll() is not None:
                break
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
