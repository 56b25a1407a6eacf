"""The command ``init``."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mailvault.cli.invocation import invocation
from mailvault.cli.options import JsonOption
from mailvault.cli.output import emit, emit_json


def init(  # one option for each question
    context: typer.Context,
    path: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Where the archive shall be.")
    ] = None,
    store: Annotated[
        str | None, typer.Option(metavar="sqlite|maildir", help="How the archive keeps mail.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="A name for the first account.")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(metavar="ME@DOMAIN", help="An address: its server is looked up."),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(metavar="imap|pop3", help="How the server is spoken to.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="The server's name.")] = None,
    user: Annotated[str | None, typer.Option(help="The name to log in with.")] = None,
    tls: Annotated[
        str | None, typer.Option(metavar="implicit|starttls|none", help="How TLS begins.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="The server's port.")] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="The certificate authority to trust instead.")
    ] = None,
    tls_fingerprint: Annotated[
        str | None, typer.Option(metavar="sha256:HEX", help="The certificate to accept.")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Allow tls none beyond this machine.")
    ] = False,
    password_command: Annotated[
        str | None, typer.Option(help="A command that prints the password.")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="A private file that holds the password.")
    ] = None,
    password_env: Annotated[
        str | None, typer.Option(help="An environment variable that holds the password.")
    ] = None,
    keyring: Annotated[
        bool, typer.Option("--keyring", help="The password is in the key ring.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Create the archive, and a configuration where there is none."""
    from mailvault.cli.setup import AccountOptions, ArchiveOptions, set_up

    options = AccountOptions(
        name=account, protocol=protocol, host=host, user=user, tls=tls, port=port,
        ca_file=ca_file, tls_fingerprint=tls_fingerprint, insecure=insecure,
        password_command=password_command, password_file=password_file,
        password_env=password_env, keyring=keyring,
    )  # fmt: skip
    demands: tuple[str, ...] = ()
    if address is not None:
        from mailvault import wiring
        from mailvault.cli.addresses import described

        options, demands = described(options, address, wiring.discover)
    done = set_up(invocation(context).config, ArchiveOptions(path, store), options)
    if as_json:
        emit_json({"schema": 1, **asdict(done), "demands": list(demands)})
        return
    for line in done.lines() if invocation(context).verbosity >= 0 else ():
        emit(line)
    for demand in demands if invocation(context).verbosity >= 0 else ():
        emit(f"note: {demand}")
