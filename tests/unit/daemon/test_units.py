"""The units and the crontab line are what systemd and cron understand."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from mailvault.config.load import parse
from mailvault.config.model import Configuration
from mailvault.daemon.units import (
    Installation,
    UnitFile,
    cron_line,
    daemon_units,
    timer_units,
)
from tests.servers.packages import library_path, unpacked
from tests.servers.process import ServerUnavailable

PROGRAM = Path("/usr/bin/env")  # systemd-analyze wants a program that exists
ACCOUNT = 'protocol = "imap"\nhost = "imap.example.com"\nuser = "me"\n'
WAYS = {"daemon": daemon_units, "timer": timer_units}


def configuration(
    folder: Path, *, name: str = "work", archive: str = "archive"
) -> Configuration:
    text = f'[archive]\npath = "{archive}"\n[accounts."{name}"]\n{ACCOUNT}'
    return parse(text.encode(), folder / "mailvault.toml", is_private=True)


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze: the system's, or one unpacked from Debian's package."""
    program, environment = shutil.which("systemd-analyze"), dict(os.environ)
    if program is None:
        try:
            root = unpacked(
                "systemd", ["systemd", "libsystemd-shared"], ["usr/bin/systemd-analyze"]
            )
        except ServerUnavailable as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(error))
        program = str(root / "usr/bin/systemd-analyze")
        environment["LD_LIBRARY_PATH"] = library_path(root)
    return subprocess.run(
        [program, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )


def written(folder: Path, units: tuple[UnitFile, ...]) -> list[Path]:
    paths = [folder / unit.name for unit in units]
    for path, unit in zip(paths, units, strict=True):
        path.write_text(unit.content)
    return paths


@pytest.mark.parametrize("is_user", [False, True], ids=["system", "user"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("folder", ["plain", "with blank", "100%", "quo'te"])
def test_systemd_finds_no_mistake_in_the_units(
    tmp_path: Path, way: str, folder: str, is_user: bool
) -> None:
    place = tmp_path / folder
    place.mkdir()
    installation = Installation(PROGRAM, configuration(place, name="my work"), is_user)
    paths = written(tmp_path, WAYS[way](installation))

    scope = ["--user"] if is_user else []
    found = analyze("verify", "--man=no", *scope, *paths)

    about_ours = [line for line in found.stderr.splitlines() if "mailvault" in line]
    assert about_ours == []


@pytest.mark.parametrize("way", WAYS)
def test_systemd_calls_the_confinement_of_the_service_good(tmp_path: Path, way: str) -> None:
    service, *_ = written(tmp_path, WAYS[way](Installation(PROGRAM, configuration(tmp_path))))

    found = analyze("security", "--offline=yes", "--no-pager", service)

    exposure = re.search(r"exposure level for mailvault.service: ([0-9.]+)", found.stdout)
    assert exposure is not None, found.stdout + found.stderr
    assert float(exposure[1]) <= 3.0


def test_the_daemon_is_watched_and_reloaded(tmp_path: Path) -> None:
    (unit,) = daemon_units(Installation(PROGRAM, configuration(tmp_path)))

    lines = unit.content.splitlines()
    assert "Type=notify" in lines
    assert "ExecReload=/bin/kill -HUP $MAINPID" in lines
    assert any(line.startswith("WatchdogSec=") for line in lines)


def test_the_timer_catches_up(tmp_path: Path) -> None:
    service, timer = timer_units(Installation(PROGRAM, configuration(tmp_path)))

    assert "Type=oneshot" in service.content.splitlines()
    assert "Persistent=true" in timer.content.splitlines()


def test_an_account_without_a_password_gets_it_from_systemd(tmp_path: Path) -> None:
    (unit,) = daemon_units(Installation(PROGRAM, configuration(tmp_path, name="work")))

    assert f"LoadCredential=work:{tmp_path}/credentials/work" in unit.content.splitlines()


def test_an_account_with_a_password_needs_no_credential(tmp_path: Path) -> None:
    text = f'[archive]\npath = "a"\n[accounts.work]\n{ACCOUNT}password_file = "x"\n'
    settings = parse(text.encode(), tmp_path / "mailvault.toml", is_private=True)

    (unit,) = daemon_units(Installation(PROGRAM, settings))

    assert "LoadCredential" not in unit.content


def test_the_service_runs_as_whom_the_archive_belongs_to(tmp_path: Path) -> None:
    (system,) = daemon_units(Installation(PROGRAM, configuration(tmp_path), owner="me"))
    (own,) = daemon_units(
        Installation(PROGRAM, configuration(tmp_path), is_user=True, owner="me")
    )

    assert "User=me" in system.content.splitlines()
    assert "User=" not in own.content


def test_the_archive_is_all_that_the_service_may_write(tmp_path: Path) -> None:
    (unit,) = daemon_units(Installation(PROGRAM, configuration(tmp_path)))

    assert "ProtectSystem=strict" in unit.content
    assert re.findall("ReadWritePaths=(.*)", unit.content) == [f"-{tmp_path}/archive"]


def test_the_service_may_write_what_others_read(tmp_path: Path) -> None:
    text = (
        '[archive]\npath = "archive"\n[metrics]\ntextfile = "prom/x.prom"\n'
        f'[status]\nfile = "status/s.json"\n[accounts.work]\n{ACCOUNT}'
    )
    told = parse(text.encode(), tmp_path / "mailvault.toml", is_private=True)

    (unit,) = daemon_units(Installation(PROGRAM, told))

    (paths,) = re.findall("ReadWritePaths=(.*)", unit.content)
    assert paths.split()[1:] == [f"-{tmp_path}/prom", f"-{tmp_path}/status"]


@pytest.mark.parametrize("folder", ["plain", "with blank", "100%", "quo'te"])
def test_a_shell_reads_the_words_of_the_crontab_line(tmp_path: Path, folder: str) -> None:
    settings = configuration(tmp_path / folder)

    line = cron_line(Installation(PROGRAM, settings))

    # crontab(5): an unescaped percent sign ends the command.
    assert not re.search(r"(?<!\\)%", line)
    times, command = line[:11], line[12:].replace("\\%", "%")
    assert times == "*/5 * * * *"
    assert shlex.split(command) == [
        str(PROGRAM), "--config", str(settings.path), "-q", "run", "--due"
    ]  # fmt: skip
