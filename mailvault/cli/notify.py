"""The command ``notify``."""

from typing import Annotated

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.options import JsonOption
from mailvault.cli.output import emit, emit_json

FAILED = 10


def notify(
    context: typer.Context,
    action: Annotated[str, typer.Argument(metavar="test", help="Send a test.")],
    channel: Annotated[
        str | None,
        typer.Option(
            "--channel", metavar="NAME", help="Only ping, mail, webhook, command or apprise."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Try every way that [notify] has to tell somebody."""
    from mailvault.cli.logs import explain
    from mailvault.errors import UsageError
    from mailvault.wiring.telling import try_channels

    if action != "test":
        raise UsageError(f"there is no notify {action}", hint="mailvault notify test")
    errors = try_channels(configuration(context), channel)
    if as_json:
        told = [
            {
                "channel": name,
                "ok": error is None,
                "error": None if error is None else str(error),
            }
            for name, error in errors.items()
        ]
        emit_json({"schema": 1, "channels": told})
    for name, error in errors.items():
        if error is not None:
            log_format = invocation(context).log_format
            explain(f"{name}: {error}", error.hint, exit_code=FAILED, log_format=log_format)
        elif not as_json:
            emit(f"{name}: sent")
    if any(errors.values()):
        raise typer.Exit(FAILED)
