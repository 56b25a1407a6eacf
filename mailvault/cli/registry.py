"""The commands, in the order help lists them, with the exit codes each can end with."""

import typer

from mailvault.cli.check import check
from mailvault.cli.initialise import init

EXIT_CODES = {
    0: "done",
    1: "unexpected error (a bug)",
    2: "usage or configuration",
    3: "done, but something is owed or suspicious",
    4: "verify found damage",
    10: "network or server",
    11: "login refused",
    12: "TLS refused",
    20: "archive unusable",
    21: "no space",
    75: "archive in use by another process",
    130: "interrupted (143 by SIGTERM)",
}
ANY_COMMAND = (0, 1, 2, 130)
SERVER = (10, 11, 12)
READING = (20,)
WRITING = (20, 21, 75)

COMMANDS = (
    ("init", init, (*READING, 21)),
    ("check", check, SERVER),
)


def register_commands(app: typer.Typer) -> None:
    for name, command, exit_codes in COMMANDS:
        app.command(name, epilog=epilog(exit_codes))(command)


def epilog(exit_codes: tuple[int, ...]) -> str:
    codes = sorted({*ANY_COMMAND, *exit_codes})
    return "Exit codes: " + "; ".join(f"{code} {EXIT_CODES[code]}" for code in codes) + "."
