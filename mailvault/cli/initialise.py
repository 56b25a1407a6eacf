"""The command ``init``."""

from dataclasses import asdict

import typer

from mailvault.cli import account_options as options
from mailvault.cli.invocation import invocation
from mailvault.cli.options import JsonOption
from mailvault.cli.output import emit_report


def init(  # one option for each question
    context: typer.Context,
    path: options.Folder = None,
    store: options.Store = None,
    account: options.Name = None,
    address: options.Address = None,
    protocol: options.Protocol = None,
    host: options.Host = None,
    user: options.User = None,
    tls: options.Tls = None,
    port: options.Port = None,
    ca_file: options.CaFile = None,
    tls_fingerprint: options.Fingerprint = None,
    insecure: options.Insecure = False,
    password_command: options.PasswordCommand = None,
    password_file: options.PasswordFile = None,
    password_env: options.PasswordEnv = None,
    keyring: options.Keyring = False,
    client_id: options.ClientId = None,
    as_json: JsonOption = False,
) -> None:
    """Create the archive, and a configuration where there is none."""
    from mailvault.cli.setup import AccountOptions, ArchiveOptions, set_up

    described = AccountOptions(
        name=account, protocol=protocol, host=host, user=user, tls=tls, port=port,
        ca_file=ca_file, tls_fingerprint=tls_fingerprint, insecure=insecure,
        password_command=password_command, password_file=password_file,
        password_env=password_env, keyring=keyring, client_id=client_id,
    )  # fmt: skip
    demands: tuple[str, ...] = ()
    if address is not None:
        from mailvault import wiring
        from mailvault.cli import addresses

        described, demands = addresses.described(described, address, wiring.discover)
    done = set_up(invocation(context).config, ArchiveOptions(path, store), described)
    document = {"schema": 1, **asdict(done), "demands": list(demands)} if as_json else None
    notes = (f"note: {demand}" for demand in demands)
    emit_report(context, document, (*done.lines(), *notes))
