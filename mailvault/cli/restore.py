"""The command ``restore``."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from mailvault.cli.invocation import chosen_accounts, configuration, invocation
from mailvault.cli.options import (
    AtOption,
    BeforeOption,
    FixOption,
    GoneOption,
    JsonOption,
    MailboxOption,
    MapOption,
    ReadBackOption,
    RejectsOption,
    SinceOption,
)
from mailvault.cli.output import emit, emit_json
from mailvault.cli.progress import watched
from mailvault.errors import UsageError


def restore(
    context: typer.Context,
    account: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="The archived account to put back.")
    ],
    to: Annotated[
        str, typer.Option("--to", metavar="ACCOUNT", help="The account that takes the mail.")
    ] = "",
    mailbox: MailboxOption = None,
    mapping: MapOption = None,
    at: AtOption = None,
    gone: GoneOption = False,
    since: SinceOption = None,
    before: BeforeOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done, and objections.")
    ] = False,
    rejects: RejectsOption = None,
    fix: FixOption = False,
    verify: ReadBackOption = "some",
    as_json: JsonOption = False,
) -> None:
    """Put mail back on a server, the same or another; safe to repeat."""
    from mailvault import wiring
    from mailvault.cli.choices import TypedSelection, chosen_read_back, chosen_selection
    from mailvault.cli.heap import bound_heap
    from mailvault.cli.restore_report import explain_restore, restore_json, restore_lines
    from mailvault.operations import restore as operation
    from mailvault.operations.restore_report import MailboxMap, RestoreOptions

    bound_heap()
    settings = configuration(context)
    if not to:
        raise UsageError("--to is missing", hint="name the account that takes the mail")
    (target,) = chosen_accounts(settings, [to])
    typed = TypedSelection(
        account=account, mailbox=mailbox, at=at, gone=gone, since=since, before=before
    )
    mailbox_map, read_back = MailboxMap(mapping or ()), chosen_read_back(verify)
    with ExitStack() as resources:
        archive = resources.enter_context(wiring.open_archive(settings, writing=False))
        folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="mailvault-"))
        options = RestoreOptions(
            clock=wiring.SystemClock(),
            selection=chosen_selection(archive, settings, typed),
            mapping=mailbox_map,
            target_account=to,
            dry_run=dry_run,
            rejects=None
            if rejects is None or dry_run
            else resources.enter_context(wiring.rejects_folder(rejects, archive)),
            fix=fix,
            read_back=read_back,
            connections=target.connections,
        )
        open_target = wiring.target_factory(target, Path(folder))
        progress = resources.enter_context(watched(context))
        report = operation.restore(archive, account, open_target, options, progress)
    if as_json:
        emit_json(restore_json(report))
    elif invocation(context).verbosity >= 0:
        for line in restore_lines(report, to):
            emit(line)
    explain_restore(report, invocation(context).log_format)
    raise typer.Exit(report.exit_code)
