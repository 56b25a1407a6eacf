"""Options and arguments that several commands share, so that each is worded once."""

from pathlib import Path
from typing import Annotated

import typer

AccountArgument = Annotated[
    str | None, typer.Argument(metavar="ACCOUNT", help="Only this account.")
]
AccountsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="ACCOUNT", help="Only these accounts; all if none is named."),
]
MessageArgument = Annotated[
    str, typer.Argument(metavar="ID", help="The start of a message's digest.")
]
AtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="WHEN",
        help="As it was then: a run number, an ISO date or date-time, or 3d, 12h ago.",
    ),
]
MailboxOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mailbox",
        metavar="GLOB",
        help="Only mailboxes that match; ! in front leaves out. Repeatable.",
    ),
]
GoneOption = Annotated[
    bool, typer.Option("--gone", help="Only what was expunged on the server.")
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="DATE",
        help="Only what arrived then or later: an ISO date or date-time, or 3d ago.",
    ),
]
BeforeOption = Annotated[
    str | None, typer.Option("--before", metavar="DATE", help="Only what arrived earlier.")
]
RunOption = Annotated[
    int | None,
    typer.Option("--run", metavar="NUMBER", min=1, help="Only what that run brought."),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Only show the plan; change nothing.")
]
YesOption = Annotated[
    bool, typer.Option("--yes", help="Do it without asking; scripts need it.")
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="OLD=NEW", help="Where mailboxes go; one * each. Repeatable."
    ),
]
RejectsOption = Annotated[
    Path | None,
    typer.Option("--rejects", metavar="DIR", help="Write what is refused there as .eml."),
]
FixOption = Annotated[
    bool, typer.Option("--fix", help="Change what is refused so that it is taken.")
]
ReadBackOption = Annotated[
    str,
    typer.Option("--verify", metavar="some|all|none", help="What to fetch back, compare."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The configuration file.", dir_okay=False),
]
