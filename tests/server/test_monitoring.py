"""What a running daemon shows to others: its page and its files."""

import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mailvault import wiring
from mailvault.config.load import load
from tests.corpus.ordinary import generate
from tests.server.accounts import append_all
from tests.server.unattended import PATIENCE, RunningDaemon, schedule, start_daemon
from tests.server.vault import Json, Vault
from tests.servers.fault_proxy import Fault, FaultProxy, Kind
from tests.servers.process import HOST
from tests.servers.users import MailUser

pytestmark = pytest.mark.server


@pytest.fixture
def vault(tmp_path: Path, mail_user: MailUser) -> Vault:
    vault = Vault(tmp_path, mail_user)
    wiring.create_archive(load(vault.configuration)).close()
    return vault


@pytest.fixture
def port() -> int:
    with socket.create_server((HOST, 0)) as free:
        return int(free.getsockname()[1])


def scrape(port: int) -> dict[str, float]:
    """The samples of the page by name; of several accounts the last."""
    with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=PATIENCE) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        page = answer.read().decode()
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def wait_for_sample(port: int, name: str, value: float) -> dict[str, float]:
    end = time.monotonic() + PATIENCE
    while (found := scrape(port)).get(name) != value:
        assert time.monotonic() < end, found
    return found


def wait_for_status(path: Path, is_so: str, value: object) -> Json:
    end = time.monotonic() + PATIENCE
    while True:
        document: Json = json.loads(path.read_text()) if path.exists() else {}
        if document.get(is_so) == value:
            return document
        assert time.monotonic() < end, document
        os.sched_yield()


def metrics_daemon(vault: Vault, port: int) -> RunningDaemon:
    command = vault.command("daemon", "--metrics", f"{HOST}:{port}")
    return RunningDaemon(command, vault.environment(), vault.folder)


def test_a_running_daemon_answers_prometheus(
    vault: Vault, mail_user: MailUser, port: int
) -> None:
    with mail_user.session() as session:
        append_all(session, "INBOX", generate(1, 3))
    schedule(vault, 'sync = "1h"')
    with metrics_daemon(vault, port) as daemon:
        daemon.wait_for_log("sync work: 3 new")
        found = wait_for_sample(port, "mailvault_archived_messages_total", 3)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("the configuration is loaded anew")
        again = scrape(port)
        began = time.monotonic()
        code = daemon.end()
        seconds = time.monotonic() - began

    assert found["mailvault_account_messages"] == found["mailvault_archive_messages"] == 3
    assert found["mailvault_runs_total"] == again["mailvault_runs_total"] == 1
    assert found["process_open_fds"] > 0
    assert (code, seconds < 5) == (0, True)
    with pytest.raises(urllib.error.URLError):
        scrape(port)


def test_a_page_is_read_while_a_sync_holds_the_lock(
    vault: Vault, mail_user: MailUser, port: int
) -> None:
    with FaultProxy(mail_user.port, lambda _: Fault(Kind.STALL, 10)) as proxy:
        vault.configure(mail_user, port=proxy.port)
        schedule(vault, f'sync = "1h"\n[metrics]\nlisten = "{HOST}:{port}"')
        with vault.configuration.open("a") as file:
            file.write('[status]\nfile = "status.json"\n')
        with start_daemon(vault) as daemon:
            daemon.wait_for_log("sync work: begins")
            found = wait_for_sample(port, "mailvault_running", 1)
            status = vault.folder / "status.json"
            end = time.monotonic() + PATIENCE
            while not (told := json.loads(status.read_text() or "{}"))["running"]:
                assert time.monotonic() < end
            code = daemon.end()

    assert found["mailvault_archive_readable"] == 1
    assert told["running"][0]["job"] == "sync work"
    assert told["pid"] == daemon.process.pid
    assert code == 0
    assert json.loads(status.read_text())["running"] == []


def test_a_slow_reader_holds_up_neither_the_page_nor_the_end(vault: Vault, port: int) -> None:
    with metrics_daemon(vault, port) as daemon:
        daemon.wait_for_log("the daemon is ready")
        with socket.create_connection((HOST, port)) as slow:
            slow.sendall(b"GET /metr")
            assert scrape(port)["mailvault_archive_readable"] == 1
            began = time.monotonic()
            code = daemon.end()

    assert (code, time.monotonic() - began < 5) == (0, True)


def test_a_page_moves_with_the_configuration_and_stays_where_it_cannot(
    vault: Vault, mail_user: MailUser, port: int
) -> None:
    text = vault.configuration.read_text()
    vault.configuration.write_text(f'{text}[metrics]\nlisten = "{HOST}:{port}"\n')
    with start_daemon(vault) as daemon, socket.create_server((HOST, 0)) as taken:
        daemon.wait_for_log("the daemon is ready")
        other = int(taken.getsockname()[1])
        vault.configuration.write_text(f'{text}[metrics]\nlisten = "{HOST}:{other}"\n')
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("the metrics stay where they are")
        assert scrape(port)["mailvault_archive_readable"] == 1
        taken.close()
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("the configuration is loaded anew", count=2)
        with vault.configuration.open("a") as file:
            file.write('textfile = "mailvault.prom"\n')
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("the configuration is loaded anew", count=3)

        assert daemon.end() == 0

    assert "mailvault_archive_readable 1.0" in (vault.folder / "mailvault.prom").read_text()


def test_an_address_that_others_reach_is_warned_of(vault: Vault, port: int) -> None:
    command = vault.command("daemon", "--metrics", f"0.0.0.0:{port}")
    with RunningDaemon(command, vault.environment(), vault.folder) as daemon:
        daemon.wait_for_log("warning: 0.0.0.0 can be reached from elsewhere")
        daemon.wait_for_log("the daemon is ready")

        assert daemon.end() == 0
