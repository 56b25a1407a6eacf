"""The command ``import``."""

from pathlib import Path
from typing import Annotated

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.options import JsonOption, MailboxOption
from mailvault.cli.output import emit, emit_json
from mailvault.cli.progress import watched


def import_files(
    context: typer.Context,
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A folder, a file of mail, a zip or tar.")
    ],
    account: Annotated[
        str, typer.Option("--account", metavar="NAME", help="Under which name to keep it.")
    ] = "",
    file_format: Annotated[
        str, typer.Option("--format", metavar="auto|maildir|mbox|eml", help="Take only these.")
    ] = "auto",
    mailbox: MailboxOption = None,
    keep_line_ends: Annotated[
        bool, typer.Option("--keep-line-ends", help="Take the line ends that the files have.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what is there; store nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Take mail in from files: Maildir, mbox, .eml and others."""
    from mailvault import wiring
    from mailvault.cli.choices import chosen_globs
    from mailvault.cli.heap import bound_heap
    from mailvault.cli.import_report import (
        check_import,
        explain_import,
        import_exit_code,
        import_json,
        import_lines,
    )
    from mailvault.operations.import_files import import_files as operation

    bound_heap()
    settings = configuration(context)
    check_import(account, file_format, settings)
    form = wiring.ImportForm(file_format, keep_line_ends, dry_run)
    with (
        wiring.open_archive(settings, writing=not dry_run) as archive,
        watched(context) as progress,
    ):
        wanted = wiring.import_source(archive, path, account, form)
        report = operation(
            archive, wanted, chosen_globs(mailbox), dry_run=dry_run, progress=progress
        )
    if as_json:
        emit_json(import_json(report, path))
    else:
        for line in import_lines(report, path, verbosity=invocation(context).verbosity):
            emit(line)
    explain_import(report, path, mailbox, invocation(context).log_format)
    raise typer.Exit(import_exit_code(report))
