"""The command ``daemon``."""

from typing import Annotated

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.logs import configure
from mailvault.cli.unattended import unattended
from mailvault.errors import UsageError


def daemon(
    context: typer.Context,
    metrics: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Answer Prometheus there: 127.0.0.1:9464."),
    ] = None,
) -> None:
    """Run the schedules until a signal ends it. SIGHUP loads the configuration anew."""
    from mailvault.housekeeping import bound_heap

    bound_heap()
    settings = configuration(context)
    verbosity, log_format = invocation(context).verbosity, invocation(context).log_format
    # Who runs for years says what it does, unless told to be quiet.
    configure(verbosity=verbosity or 1, log_format=log_format)
    unattended(context).serve(settings, _address(metrics))


def _address(written: str | None) -> tuple[str, int] | None:
    from mailvault.config.values import listen_address

    try:
        return None if written is None else listen_address(written)
    except ValueError as error:
        raise UsageError(f"--metrics {error}") from None
