"""The command ``metrics``, and the files that are written after each run."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mailvault.archive.lock import WriteLock
from mailvault.wiring import SystemClock
from tests.unit.cli.program import Json, Setting

FILES = '[metrics]\ntextfile = "mailvault.prom"\n[status]\nfile = "status.json"\n'


def samples(text: str) -> dict[str, float]:
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def synced(setting: Setting, account: str) -> Setting:
    """One account, synced; what is to be written is not there yet."""
    setting.configure(work=account)
    setting.run("init")
    setting.run("sync")
    with setting.configuration.open("a") as file:
        file.write(FILES + '[schedule]\nsync = "1h"\nverify = "30m"\n')
    return setting


def status_file(setting: Setting) -> Json:
    document: Json = json.loads((setting.folder / "status.json").read_text())
    return document


def test_metrics_are_what_status_says(synced: Setting) -> None:
    outcome = synced.run("metrics")

    shown = samples(outcome.stdout)
    archive = synced.run("status", "--json").document()["archive"]
    assert outcome.code == 0
    assert shown["mailvault_archive_messages"] == archive["messages"] > 0
    assert shown["mailvault_archive_stored_bytes"] == archive["stored_octets"]
    assert shown["mailvault_account_last_run_messages"] == shown["mailvault_account_messages"]
    assert shown["mailvault_account_last_run_exit_code"] == 0


def test_metrics_are_told_while_another_one_writes(synced: Setting) -> None:
    with WriteLock.acquire(synced.archive, clock=SystemClock()):
        outcome = synced.run("metrics")

    assert outcome.code == 0
    assert samples(outcome.stdout)["mailvault_archive_readable"] == 1


def test_a_textfile_is_for_everybody_and_exchanged_whole(synced: Setting) -> None:
    file = synced.folder / "x.prom"
    file.write_text("old")
    with file.open() as reader:
        outcome = synced.run("metrics", "--textfile", str(file))
        assert reader.read() == "old"

    assert (outcome.code, outcome.stdout) == (0, "")
    assert samples(file.read_text())["mailvault_archive_readable"] == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert not list(synced.folder.glob(".x*"))


def test_a_folder_that_is_not_there_is_not_made(synced: Setting) -> None:
    outcome = synced.run("metrics", "--textfile", str(synced.folder / "no" / "x.prom"))

    assert outcome.code == 2
    assert "there is no folder" in outcome.stderr
    assert not (synced.folder / "no").exists()


def test_a_folder_in_the_way_is_explained(synced: Setting) -> None:
    (synced.folder / "x.prom").mkdir()

    outcome = synced.run("metrics", "--textfile", str(synced.folder / "x.prom"))

    assert outcome.code == 2
    assert "is a directory" in outcome.stderr
    assert not list(synced.folder.glob(".x*"))


def test_of_a_lost_archive_the_file_says_so(synced: Setting) -> None:
    file = synced.folder / "x.prom"
    synced.run("metrics", "--textfile", str(file))
    synced.archive.rename(synced.folder / "elsewhere")

    outcome = synced.run("metrics", "--textfile", str(file))

    assert outcome.code == 20
    assert samples(file.read_text())["mailvault_archive_readable"] == 0
    assert "mailvault_archive_messages" not in file.read_text()
    assert synced.run("metrics").stdout == ""


def test_without_the_library_it_is_said_what_to_install(synced: Setting) -> None:
    code = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "from mailvault.program import run\n"
        f"sys.exit(run(['--config', {str(synced.configuration)!r}, *sys.argv[1:]]))\n"
    )
    command = [sys.executable, "-c", code]

    for words in (["metrics"], ["daemon", "--metrics", "127.0.0.1:9464"]):
        done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "mailvault-archive[metrics]" in done.stderr
    done = subprocess.run([*command, "sync"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "mailvault-archive[metrics]" in done.stderr


@pytest.mark.parametrize("command", [["sync"], ["run", "--due"]], ids=["sync", "run --due"])
def test_after_a_run_both_files_are_there(synced: Setting, command: list[str]) -> None:
    assert synced.run(*command).code == 0

    told, status = status_file(synced), synced.run("status", "--json").document()
    assert set(told) == set(status) | {"written", "pid", "running", "error"}
    assert told["accounts"][0]["last_run"] == status["accounts"][0]["last_run"]
    assert (told["running"], told["error"]) == ([], None)
    assert stat.S_IMODE((synced.folder / "status.json").stat().st_mode) == 0o640
    assert samples((synced.folder / "mailvault.prom").read_text())["mailvault_archive_messages"]


def test_a_dry_run_writes_no_file(synced: Setting) -> None:
    synced.run("sync", "--dry-run")

    assert not (synced.folder / "status.json").exists()


def test_a_file_that_cannot_be_written_fails_no_backup(synced: Setting) -> None:
    (synced.folder / "status.json").mkdir()

    outcome = synced.run("sync")

    assert outcome.code == 0
    assert "status.json cannot be written" in outcome.stderr
    assert (synced.folder / "mailvault.prom").exists()


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ('[metrics]\ntextfile = "x.txt"', "metrics.textfile: must end in .prom"),
        (
            '[metrics]\nlisten = "9464"',
            'must be an address and a port, such as "127.0.0.1:9464"',
        ),
        ('[metrics]\nlisten = "[::1]:0"', "metrics.listen: must be an address"),
        ("[metrics]\nport = 9464", "metrics.port: unknown key"),
        ('[status]\npath = "x"', "status.path: unknown key"),
    ],
    ids=["suffix", "no host", "port 0", "unknown", "unknown in status"],
)
def test_a_mistake_in_the_configuration_is_named(
    setting: Setting, lines: str, complaint: str
) -> None:
    setting.configuration.write_text(setting.configuration.read_text() + lines + "\n")

    outcome = setting.run("status")

    assert outcome.code == 2
    assert complaint in outcome.stderr


@pytest.mark.parametrize("address", ["9464", "127.0.0.1", "127.0.0.1:99999", "a b:1"])
def test_an_address_that_is_none_is_refused(setting: Setting, address: str) -> None:
    outcome = setting.run("daemon", "--metrics", address)

    assert outcome.code == 2
    assert "127.0.0.1:9464" in outcome.stderr


def test_a_port_in_use_is_said_and_nothing_is_run(synced: Setting, server_port: int) -> None:
    outcome = synced.run("daemon", "--metrics", f"127.0.0.1:{server_port}")

    assert outcome.code == 2
    assert f"cannot answer at 127.0.0.1:{server_port}: address already in use" in outcome.stderr
    assert not Path(synced.folder / "status.json").exists()


@pytest.fixture
def server_port(account: str) -> int:
    """A port at which somebody answers already."""
    return int(account.split("port = ")[1].split("\n")[0])
