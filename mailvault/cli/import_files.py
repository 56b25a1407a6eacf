"""The command ``import``."""

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.options import (
    ImportedArgument,
    JsonOption,
    KeepLineEndsOption,
    KeptNameOption,
    MailboxOption,
    StoreNothingOption,
    TakenFormatOption,
)
from mailvault.cli.output import emit, emit_json
from mailvault.cli.progress import watched


def import_files(
    context: typer.Context,
    path: ImportedArgument,
    account: KeptNameOption = "",
    file_format: TakenFormatOption = "auto",
    mailbox: MailboxOption = None,
    keep_line_ends: KeepLineEndsOption = False,
    dry_run: StoreNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take mail in from files: Maildir, mbox, .eml and others."""
    from mailvault import wiring
    from mailvault.cli import import_report as shown
    from mailvault.cli.choices import chosen_globs
    from mailvault.housekeeping import bound_heap
    from mailvault.operations.import_files import import_files as operation

    bound_heap()
    settings = configuration(context)
    shown.check_import(account, file_format, settings)
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
        emit_json(shown.import_json(report, path))
    else:
        for line in shown.import_lines(report, path, verbosity=invocation(context).verbosity):
            emit(line)
    asked = shown.Asked(path, mailbox, file_format)
    shown.explain_import(report, asked, invocation(context).log_format)
    raise typer.Exit(shown.import_exit_code(report))
