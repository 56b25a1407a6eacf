"""The texts that make a system run mailvault: systemd units and a crontab line. Pure."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailvault.config.model import Configuration

NAME = "mailvault"


@dataclass(frozen=True, slots=True)
class Installation:
    """What is to be run, for whom. ``program`` is the absolute path of mailvault.

    ``owner`` is whom the archive belongs to, where that is not root.
    """

    program: Path
    configuration: Configuration
    is_user: bool = False
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class UnitFile:
    name: str
    content: str


def daemon_units(installation: Installation) -> tuple[UnitFile, ...]:
    service = [
        *_unit("Back up mail with mailvault, as its schedules say", installation),
        "[Service]",
        "Type=notify",
        "NotifyAccess=main",
        f"ExecStart={_command(installation, 'daemon')}",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "WatchdogSec=5min",
        "Restart=on-failure",
        "RestartSec=1min",
        "# 2: a mistake in the configuration, which does not go away by itself.",
        "RestartPreventExitStatus=2",
        "TimeoutStopSec=15s",
        *_confinement(installation),
        "",
        "[Install]",
        f"WantedBy={_target(installation)}",
    ]
    return (UnitFile(f"{NAME}.service", _text(service)),)


def timer_units(installation: Installation) -> tuple[UnitFile, ...]:
    service = [
        *_unit("Back up the mail that is due with mailvault", installation),
        "[Service]",
        "Type=oneshot",
        f"ExecStart={_command(installation, 'run', '--due')}",
        "# 3: something is owed or suspicious, see mailvault status; 75: already at work.",
        "SuccessExitStatus=3 75",
        "TimeoutStopSec=15s",
        *_confinement(installation),
    ]
    timer = [
        "[Unit]",
        "Description=Look every few minutes whether mail is due to be backed up",
        "",
        "[Timer]",
        "OnCalendar=*:0/5",
        "RandomizedDelaySec=30s",
        "# A machine that was off catches up.",
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return (
        UnitFile(f"{NAME}.service", _text(service)),
        UnitFile(f"{NAME}.timer", _text(timer)),
    )


def cron_line(installation: Installation) -> str:
    """What is due is asked every five minutes; percent signs mean something to cron."""
    words = [*_words(installation), "-q", "run", "--due"]
    return f"*/5 * * * * {shlex.join(map(str, words))}".replace("%", "\\%")


def _unit(description: str, installation: Installation) -> Iterator[str]:
    yield "[Unit]"
    yield f"Description={description}"
    if not installation.is_user:
        yield "Wants=network-online.target"
        yield "After=network-online.target"
    yield f"RequiresMountsFor={_quoted(str(installation.configuration.archive.path))}"
    yield ""


def _confinement(installation: Installation) -> Iterator[str]:
    """What the service may do: reach servers, and write into the archive's folder."""
    yield ""
    for name, path in _credentials(installation):
        yield f"LoadCredential={_quoted(f'{name}:{path}')}"
    yield "UMask=0077"
    yield "NoNewPrivileges=true"
    yield "LockPersonality=true"
    yield "MemoryDenyWriteExecute=true"
    yield "RestrictRealtime=true"
    yield "RestrictSUIDSGID=true"
    yield "RestrictNamespaces=true"
    yield "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK"
    yield "SystemCallArchitectures=native"
    yield "SystemCallFilter=@system-service"
    yield "SystemCallFilter=~@privileged"
    yield "# SQLite gives its journals the owner of the database."
    yield "SystemCallFilter=@chown"
    yield "SystemCallErrorNumber=EPERM"
    if installation.is_user:
        return
    if installation.owner is not None:
        yield f"User={installation.owner}"
    yield "CapabilityBoundingSet="
    yield "AmbientCapabilities="
    yield "ProtectSystem=strict"
    yield f"ReadWritePaths={' '.join(_quoted(path) for path in _written(installation))}"
    yield "ProtectHome=read-only"
    yield "PrivateTmp=true"
    yield "PrivateDevices=true"
    yield "ProtectClock=true"
    yield "ProtectHostname=true"
    yield "ProtectKernelLogs=true"
    yield "ProtectKernelModules=true"
    yield "ProtectKernelTunables=true"
    yield "ProtectControlGroups=true"
    yield "ProtectProc=invisible"
    yield "ProcSubset=pid"
    yield "RemoveIPC=true"


def _credentials(installation: Installation) -> Iterator[tuple[str, Path]]:
    """Accounts without a password in the configuration get one from systemd."""
    folder = installation.configuration.path.parent / "credentials"
    for account in installation.configuration.accounts.values():
        if account.secret is None and account.oauth is None:
            yield account.name, folder / account.name


def _written(installation: Installation) -> list[str]:
    configuration = installation.configuration
    paths = [configuration.archive.path]
    if configuration.schedule.copy_to is not None:
        paths.append(configuration.schedule.copy_to)
    told = (configuration.metrics.textfile, configuration.status.file)
    paths += [file.parent for file in told if file is not None]
    paths += [
        account.oauth.token_file.parent
        for account in configuration.accounts.values()
        if account.oauth is not None and account.oauth.token_command is None
    ]
    # A folder that is not there yet must not keep the service from starting.
    return [f"-{path}" for path in dict.fromkeys(paths)]


def _words(installation: Installation) -> list[str]:
    return [str(installation.program), "--config", str(installation.configuration.path)]


def _command(installation: Installation, *arguments: str) -> str:
    return " ".join(
        _quoted(word, in_command=True) for word in (*_words(installation), *arguments)
    )


def _quoted(word: str, *, in_command: bool = False) -> str:
    """systemd.syntax(7) and systemd.unit(5): % begins a specifier, $ a variable in commands."""
    word = word.replace("%", "%%")
    if in_command:
        word = word.replace("$", "$$")
    if not any(character in " \t\"'\\;" for character in word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _target(installation: Installation) -> str:
    return "default.target" if installation.is_user else "multi-user.target"


def _text(lines: list[str]) -> str:
    return "\n".join(["# Written by: mailvault service install", *lines]) + "\n"
