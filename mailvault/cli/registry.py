"""The commands, in the order help lists them, with the exit codes each can end with."""

import typer

from mailvault.cli.accept import accept
from mailvault.cli.cat import cat
from mailvault.cli.check import check
from mailvault.cli.converting import convert
from mailvault.cli.copying import copy
from mailvault.cli.daemon import daemon
from mailvault.cli.demo import demo
from mailvault.cli.diff import diff
from mailvault.cli.doctor import doctor
from mailvault.cli.drill import drill
from mailvault.cli.exit_codes import BY_READING, BY_SERVERS, BY_WRITING, epilog
from mailvault.cli.export import export
from mailvault.cli.history import history
from mailvault.cli.import_files import import_files
from mailvault.cli.initialise import init
from mailvault.cli.log import log
from mailvault.cli.login import login
from mailvault.cli.mailboxes import mailboxes
from mailvault.cli.metrics import metrics
from mailvault.cli.migrate import migrate
from mailvault.cli.notify import notify
from mailvault.cli.placements import list_messages
from mailvault.cli.prune import prune
from mailvault.cli.rebuild import rebuild
from mailvault.cli.repair import repair
from mailvault.cli.restore import restore
from mailvault.cli.run_due import run
from mailvault.cli.schedule import schedule
from mailvault.cli.service import service
from mailvault.cli.show import show
from mailvault.cli.status import status
from mailvault.cli.synchronise import sync
from mailvault.cli.verification import verify

COMMANDS = (
    ("demo", demo, (3, 4, *BY_SERVERS, *BY_WRITING)),
    ("init", init, BY_WRITING),
    ("login", login, (10, 11)),
    ("check", check, BY_SERVERS),
    ("sync", sync, (3, *BY_SERVERS, *BY_WRITING)),
    ("accept", accept, (3, *BY_WRITING)),
    ("status", status, (3, *BY_READING)),
    ("mailboxes", mailboxes, (*BY_SERVERS, *BY_READING)),
    ("list", list_messages, BY_READING),
    ("show", show, BY_READING),
    ("cat", cat, BY_READING),
    ("log", log, BY_READING),
    ("diff", diff, BY_READING),
    ("history", history, BY_READING),
    ("export", export, (3, 20, 21)),
    ("import", import_files, (3, *BY_WRITING)),
    ("restore", restore, (3, 4, *BY_SERVERS, 20, 75)),
    ("migrate", migrate, (3, 4, *BY_SERVERS, *BY_WRITING)),
    ("verify", verify, (3, 4, *BY_SERVERS, *BY_READING)),
    ("rebuild", rebuild, (3, *BY_WRITING)),
    ("repair", repair, (4, *BY_WRITING)),
    ("copy", copy, (4, *BY_WRITING)),
    ("convert", convert, (3, *BY_WRITING)),
    ("prune", prune, (3, *BY_WRITING)),
    ("drill", drill, (4, 21, *BY_READING)),
    ("daemon", daemon, (20, 75)),
    ("run", run, (3, 4, *BY_SERVERS, *BY_WRITING)),
    ("schedule", schedule, BY_READING),
    ("service", service, ()),
    ("notify", notify, (10,)),
    ("metrics", metrics, BY_READING),
    ("doctor", doctor, (3, 20)),
)


def register_commands(app: typer.Typer) -> None:
    for name, command, exit_codes in COMMANDS:
        app.command(name, epilog=epilog(exit_codes))(command)
