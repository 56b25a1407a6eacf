"""Finds the configuration file, reads it, and reports every mistake in it at once."""

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

from mailvault.config import values
from mailvault.config.accounts import read_account
from mailvault.config.model import (
    ArchiveSettings,
    Configuration,
    MetricsSettings,
    ScheduleSettings,
    StatusSettings,
)
from mailvault.config.notify import read_notify
from mailvault.config.section import Section
from mailvault.errors import ConfigurationError


class ConfigurationMissing(ConfigurationError):
    """There is no configuration file where one was looked for."""


def candidates(environment: Mapping[str, str]) -> list[Path]:
    """Name the places where a configuration is looked for when none is given, best first."""
    return [Path("mailvault.toml"), user_file(environment), Path("/etc/mailvault/config.toml")]


def user_file(environment: Mapping[str, str]) -> Path:
    """Name the user's own configuration file (XDG Base Directory Specification)."""
    folder = environment.get("XDG_CONFIG_HOME", "")
    # The specification: a relative path in the variable is invalid and ignored.
    home = Path(folder) if folder.startswith("/") else Path("~/.config").expanduser()
    return home / "mailvault" / "config.toml"


def chosen_file(given: Path | None, environment: Mapping[str, str]) -> Path | None:
    """Name the file that ``--config`` or the environment asks for, whether or not it exists."""
    variable = environment.get("MAILVAULT_CONFIG", "")
    return given or (Path(variable).expanduser() if variable else None)


def find(given: Path | None, environment: Mapping[str, str]) -> Path:
    """Choose the configuration file.

    Raises:
        ConfigurationMissing: none exists, or not the one that was asked for.
    """
    chosen = chosen_file(given, environment)
    if chosen is not None:
        if not chosen.exists():
            raise ConfigurationMissing(
                f"there is no configuration file {chosen}",
                hint="check --config and $MAILVAULT_CONFIG, or make one with: mailvault init",
            )
        if chosen.is_dir():
            raise ConfigurationError(
                f"{chosen} is a folder, and the configuration is a file",
                hint=f"name the file: --config {chosen / 'mailvault.toml'}",
            )
        return chosen
    places = candidates(environment)
    for place in places:
        if place.exists():
            return place
    raise ConfigurationMissing(
        "there is no configuration file; looked for " + ", ".join(map(str, places)),
        hint="make one with: mailvault init, or name one with --config",
    )


def load(path: Path) -> Configuration:
    """Read a configuration file.

    Raises:
        ConfigurationError: with one line for each mistake.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    return parse(content, path, is_private=not mode & (stat.S_IRWXG | stat.S_IRWXO))


def archive_path_of(path: Path) -> Path | None:
    """Where the archive of a configuration lies that may be wrong in everything else."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("archive")
        written = table.get("path") if isinstance(table, dict) else None
        return values.path_below(path.absolute().parent)(written)
    except (OSError, ValueError):
        return None


def parse(content: bytes, path: Path, *, is_private: bool) -> Configuration:
    """Understand a configuration that stands, or is to stand, at ``path``.

    ``is_private`` says that only its owner can read it. Raises as `load` does.
    """
    folder = path.absolute().parent
    tokens = folder / f"{path.stem}.tokens"
    mistakes: list[str] = []
    root = Section(_tables(content, path), "", mistakes)
    accounts = {
        name: read_account(name, section, folder=folder, tokens=tokens, is_private=is_private)
        for name, section in root.table("accounts").tables()
    }
    configuration = Configuration(
        path=path.absolute(),
        archive=_archive(root.table("archive"), folder),
        accounts=accounts,
        schedule=_schedule(root.table("schedule"), folder),
        notify=read_notify(
            root.table("notify"),
            values.path_below(folder),
            accounts,
            is_private=is_private,
        ),
        metrics=_metrics(root.table("metrics"), folder),
        status=_status(root.table("status"), folder),
    )
    root.finish()
    if mistakes:
        raise ConfigurationError(
            "\n  ".join([f"{path} needs {_counted(len(mistakes))}:", *mistakes]),
            hint="config.example.toml shows every key with its meaning",
        )
    return configuration


def _tables(content: bytes, path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path} is not UTF-8 at octet {error.start}", hint="save it as UTF-8"
        ) from None  # the original error carries the file's content
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            f"{path} is not valid TOML: {error}",
            hint='text stands in quotes: host = "imap.example.com"',
        ) from None


def _archive(section: Section, folder: Path) -> ArchiveSettings:
    settings = ArchiveSettings(
        path=section.require("path", values.path_below(folder), folder, '"~/mailvault"'),
        store=section.read("store", values.choice("sqlite", "maildir"), "sqlite"),
    )
    section.finish()
    return settings


def _schedule(section: Section, folder: Path) -> ScheduleSettings:
    settings = ScheduleSettings(
        sync=section.read("sync", values.schedule, None),
        verify=section.read("verify", values.schedule, None),
        drill=section.read("drill", values.schedule, None),
        copy=section.read("copy", values.schedule, None),
        jitter=section.read("jitter", values.duration, 0.0),
        window=section.read("window", values.window, None),
        verify_sample=section.read("verify_sample", values.whole_number(1, 100), 100),
        copy_to=section.read("copy_to", values.path_below(folder), None),
        at_once=section.read("at_once", values.whole_number(1, 50), 4),
    )
    section.finish()
    if settings.copy is not None and settings.copy_to is None:
        section.complain("needs copy_to, the folder that takes the copy", "copy")
    return settings


def _metrics(section: Section, folder: Path) -> MetricsSettings:
    settings = MetricsSettings(
        textfile=section.read("textfile", values.path_below(folder), None),
        listen=section.read("listen", values.listen_address, None),
    )
    section.finish()
    if settings.textfile is not None and settings.textfile.suffix != ".prom":
        section.complain("must end in .prom, or node_exporter does not read it", "textfile")
    return settings


def _status(section: Section, folder: Path) -> StatusSettings:
    settings = StatusSettings(section.read("file", values.path_below(folder), None))
    section.finish()
    return settings


def _counted(mistakes: int) -> str:
    return "one correction" if mistakes == 1 else f"{mistakes} corrections"
