"""Installs what makes a system run mailvault, and removes it again."""

import contextlib
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mailvault.config.model import Configuration
from mailvault.daemon.units import (
    NAME,
    Installation,
    UnitFile,
    cron_line,
    daemon_units,
    timer_units,
)
from mailvault.errors import UsageError

log = logging.getLogger(__name__)

BEGIN = f"# {NAME}: begin"
END = f"# {NAME}: end"
_SECONDS = 60.0


def describe(configuration: Configuration, way: str, *, is_user: bool) -> str:
    """The text of what `install` would write."""
    installation = _installation(configuration, is_user=is_user)
    if way == "cron":
        return cron_line(installation) + "\n"
    folder = _unit_folder(is_user=is_user)
    return "\n".join(
        f"# {folder / unit.name}\n{unit.content}" for unit in _units(installation, way)
    )


def install(configuration: Configuration, way: str, *, is_user: bool) -> list[str]:
    """Install and start it; what was done, in lines. What is there already is replaced.

    Raises:
        UsageError: there is nothing here that it could be installed into.
    """
    installation = _installation(configuration, is_user=is_user)
    if way == "cron":
        _write_crontab([BEGIN, cron_line(installation), END])
        return ["added to the crontab", cron_line(installation)]
    if not has_systemd():
        raise UsageError(
            "systemd does not run here, so nothing was installed",
            hint="mailvault service print shows the units; --cron installs a crontab line",
        )
    units = _units(installation, way)
    folder = _unit_folder(is_user=is_user)
    written = [_write(folder, unit) for unit in units]
    _systemctl("daemon-reload", is_user=is_user)
    _systemctl("enable", "--now", units[-1].name, is_user=is_user)
    return [*(f"wrote {path}" for path in written), f"enabled and started {units[-1].name}"]


def uninstall(way: str, *, is_user: bool) -> list[str]:
    """Stop and remove it; what was done, in lines. The archive stays as it is."""
    if way == "cron":
        return ["removed from the crontab"] if _write_crontab([]) else ["nothing was there"]
    folder = _unit_folder(is_user=is_user)
    names = [f"{NAME}.timer", f"{NAME}.service"]
    present = [name for name in names if (folder / name).exists()]
    if not present:
        return ["nothing was there"]
    if has_systemd():
        _systemctl("disable", "--now", *present, is_user=is_user)
    for name in present:
        (folder / name).unlink()
    if has_systemd():
        _systemctl("daemon-reload", is_user=is_user)
    return [f"removed {folder / name}" for name in present]


def can_install(way: str) -> bool:
    """Whether there is anything here that it could be installed into."""
    return shutil.which("crontab") is not None if way == "cron" else has_systemd()


def has_systemd() -> bool:
    """sd_booted(3)."""
    return Path("/run/systemd/system").is_dir() and shutil.which("systemctl") is not None


def _units(installation: Installation, way: str) -> tuple[UnitFile, ...]:
    return timer_units(installation) if way == "timer" else daemon_units(installation)


def _installation(configuration: Configuration, *, is_user: bool) -> Installation:
    return Installation(_program(), configuration, is_user, _owner(configuration))


def _owner(configuration: Configuration) -> str | None:
    """Whom the archive belongs to, or the configuration as long as there is none."""
    for path in (configuration.archive.path, configuration.path):
        with contextlib.suppress(OSError, KeyError):  # a folder of nobody who is known
            name = path.owner()
            return None if name == "root" else name
    return None


def _program() -> Path:
    """The command that runs now, by its full path: services have another $PATH."""
    beside = Path(sys.executable).with_name(NAME)
    found = shutil.which(NAME)
    program = beside if beside.exists() else Path(found or sys.argv[0])
    return program.absolute()


def _unit_folder(*, is_user: bool) -> Path:
    if not is_user:
        return Path("/etc/systemd/system")
    home = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(home) if home.startswith("/") else Path("~/.config").expanduser()
    return base / "systemd" / "user"


def _write(folder: Path, unit: UnitFile) -> Path:
    path = folder / unit.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(unit.content)
        path.chmod(0o644)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}",
            hint="run it as root, or add --user for a service of your own",
        ) from error
    return path


def _systemctl(*words: str, is_user: bool) -> None:
    _run(["systemctl", *(["--user"] if is_user else []), *words])


def _write_crontab(lines: Sequence[str]) -> bool:
    """Replace our lines in the user's crontab; whether there were any."""
    if shutil.which("crontab") is None:
        raise UsageError(
            "there is no crontab command here, so nothing was installed",
            hint="mailvault service print --cron shows the line",
        )
    present = _run(["crontab", "-l"], accept=(0, 1)).splitlines()
    kept, is_ours = [], False
    for line in present:
        is_ours = is_ours or line == BEGIN
        if not is_ours:
            kept.append(line)
        is_ours = is_ours and line != END
    _run(["crontab", "-"], text="".join(f"{line}\n" for line in [*kept, *lines]))
    return len(kept) < len(present)


def _run(command: Sequence[str], *, text: str = "", accept: Sequence[int] = (0,)) -> str:
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{command[0]} cannot be run: {error}") from error
    if done.returncode not in accept:
        raise UsageError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return done.stdout
