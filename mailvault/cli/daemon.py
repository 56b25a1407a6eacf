"""The command ``daemon``."""

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.logs import configure
from mailvault.cli.unattended import unattended


def daemon(context: typer.Context) -> None:
    """Run the schedules until a signal ends it. SIGHUP loads the configuration anew."""
    from mailvault.cli.heap import bound_heap

    bound_heap()
    settings = configuration(context)
    verbosity, log_format = invocation(context).verbosity, invocation(context).log_format
    # Who runs for years says what it does, unless told to be quiet.
    configure(verbosity=verbosity or 1, log_format=log_format)
    unattended(context).serve(settings)
