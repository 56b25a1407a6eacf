"""The command ``service``."""

from enum import StrEnum
from typing import Annotated

import typer

from mailvault.cli.invocation import configuration
from mailvault.cli.output import emit
from mailvault.cli.unattended import unattended
from mailvault.errors import UsageError


class Action(StrEnum):
    INSTALL = "install"
    UNINSTALL = "uninstall"
    PRINT = "print"


def service(
    context: typer.Context,
    action: Annotated[Action, typer.Argument(metavar="install|uninstall|print")],
    user: Annotated[
        bool, typer.Option("--user", help="For this user's own systemd, not the system's.")
    ] = False,
    daemon: Annotated[
        bool, typer.Option("--daemon", help="A systemd service that always runs; the default.")
    ] = False,
    timer: Annotated[
        bool, typer.Option("--timer", help="A systemd timer that does what is due.")
    ] = False,
    cron: Annotated[
        bool, typer.Option("--cron", help="A line in this user's crontab.")
    ] = False,
) -> None:
    """Make this system run mailvault by itself, or show how."""
    if daemon + timer + cron > 1:
        raise UsageError("--daemon, --timer and --cron exclude each other")
    way = "timer" if timer else "cron" if cron else "daemon"
    room = unattended(context)
    match action:
        case Action.PRINT:
            emit(room.describe_service(configuration(context), way, is_user=user).rstrip("\n"))
            return
        case Action.INSTALL:
            if not room.can_install_service(way):  # a person can still put it somewhere
                emit(room.describe_service(configuration(context), way, is_user=user))
            done = room.install_service(configuration(context), way, is_user=user)
        case Action.UNINSTALL:
            done = room.uninstall_service(way, is_user=user)
    for line in done:
        emit(line)
