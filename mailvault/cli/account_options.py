"""The options of ``init``: one for each question."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[
    str | None, typer.Option("--path", metavar="FOLDER", help="Where the archive shall be.")
]
Store = Annotated[
    str | None, typer.Option(metavar="sqlite|maildir", help="How the archive keeps mail.")
]
Name = Annotated[
    str | None,
    typer.Option("--account", metavar="NAME", help="A name for the first account."),
]
Address = Annotated[
    str | None, typer.Option(metavar="ME@DOMAIN", help="An address: its server is looked up.")
]
Protocol = Annotated[
    str | None, typer.Option(metavar="imap|pop3", help="How the server is spoken to.")
]
Host = Annotated[str | None, typer.Option(help="The server's name.")]
User = Annotated[str | None, typer.Option(help="The name to log in with.")]
Tls = Annotated[
    str | None, typer.Option(metavar="implicit|starttls|none", help="How TLS begins.")
]
Port = Annotated[int | None, typer.Option(help="The server's port.")]
CaFile = Annotated[
    Path | None, typer.Option(help="The certificate authority to trust instead.")
]
Fingerprint = Annotated[
    str | None, typer.Option(metavar="sha256:HEX", help="The certificate to accept.")
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Allow tls none beyond this machine.")
]
PasswordCommand = Annotated[
    str | None, typer.Option(help="A command that prints the password.")
]
PasswordFile = Annotated[
    Path | None, typer.Option(help="A private file that holds the password.")
]
PasswordEnv = Annotated[
    str | None, typer.Option(help="An environment variable that holds the password.")
]
Keyring = Annotated[bool, typer.Option("--keyring", help="The password is in the key ring.")]
ClientId = Annotated[
    str | None, typer.Option(metavar="ID", help="Sign in by OAuth2, as this client.")
]
