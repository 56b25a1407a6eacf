"""The command line: registers the commands and turns what they raise into exit codes."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from mailvault import __version__
from mailvault.cli import signals
from mailvault.cli.arguments import log_format_of, understood
from mailvault.cli.interruption import interrupted
from mailvault.cli.invocation import Invocation
from mailvault.cli.logs import configure, explain
from mailvault.cli.options import ConfigOption
from mailvault.cli.output import OutputClosed, emit, flush
from mailvault.cli.registry import register_commands
from mailvault.cli.unattended import Opened
from mailvault.errors import MailvaultError

BUG = 1
READER_GONE = 141  # what a shell reports of a program that SIGPIPE ended

app = typer.Typer(
    name="mailvault",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
)


def _version(is_wanted: bool) -> None:
    if is_wanted:
        emit(f"mailvault {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    config: ConfigOption = None,
    verbose: Annotated[
        int,
        typer.Option(
            "-v", "--verbose", count=True, show_default=False, help="Log more; twice for all."
        ),
    ] = 0,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Log errors only.")] = False,
    log_format: Annotated[str, typer.Option(metavar="text|json", help="How to log.")] = "text",
    version: Annotated[  # noqa: ARG001 - its callback answers
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Keep point-in-time, deduplicated, verified copies of any mailbox."""
    if log_format not in ("text", "json"):
        raise typer.BadParameter("must be text or json", param_hint="--log-format")
    verbosity = -1 if quiet else verbose
    configure(verbosity=verbosity, log_format=log_format)
    context.obj = Invocation(config, verbosity, log_format, unattended=context.obj)


register_commands(app)


def main(unattended: Opened | None = None) -> None:
    """Run as a program: end with an exit code, and soon when a signal asks for it."""
    arguments = sys.argv[1:]
    log_format = log_format_of(arguments)
    signals.listen(lambda code: interrupted(arguments, exit_code=code, log_format=log_format))
    os.umask(0o077)
    _leave_no_core()
    sys.exit(run(arguments, unattended))


def _leave_no_core() -> None:
    """Passwords and tokens are in memory; the memory of a crash goes to no disk."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(arguments: Sequence[str], unattended: Opened | None = None) -> int:
    """Run one command line and return its exit code."""
    log_format = log_format_of(arguments)
    try:
        return _run(arguments, unattended)
    except MailvaultError as error:
        explain(str(error), error.hint, exit_code=error.exit_code, log_format=log_format)
        return error.exit_code
    except OutputClosed:
        return READER_GONE
    except signals.Interrupted as stop:
        signals.say(stop.exit_code)
        return stop.exit_code
    except Exception:  # noqa: BLE001 - the last line of defence
        import traceback

        traceback.print_exc()
        explain(
            "unexpected error; this is a bug",
            "please report it with the lines above",
            exit_code=BUG,
            log_format=log_format,
        )
        return BUG


def _run(arguments: Sequence[str], unattended: Opened | None) -> int:
    try:
        app(understood(arguments), prog_name="mailvault", obj=unattended)
    except SystemExit as ended:
        flush()
        return ended.code if isinstance(ended.code, int) else 0
    return 0
