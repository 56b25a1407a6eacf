"""Options and arguments that several commands share, so that each is worded once."""

from pathlib import Path
from typing import Annotated

import typer

from mailvault.cli.terminal import printable
from mailvault.errors import UsageError

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
ArchivedArgument = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help="The archived account to put back.")
]
OldArgument = Annotated[str, typer.Argument(metavar="OLD", help="The account to move from.")]
NewArgument = Annotated[str, typer.Argument(metavar="NEW", help="The account to move to.")]
TargetOption = Annotated[
    str, typer.Option("--to", metavar="ACCOUNT", help="The account that takes the mail.")
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
ForetellOption = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would be done, and objections.")
]
MoveNothingOption = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would be moved; change nothing.")
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
FillArgument = Annotated[
    Path, typer.Argument(metavar="DEST", help="The folder to fill; new, empty or resumed.")
]
FormatOption = Annotated[
    str, typer.Option("--format", metavar="maildir|mbox|eml", help="What to write.")
]
LayoutOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="maildir: maildir++ or fs; mbox: thunderbird."),
]
StatusOption = Annotated[
    bool, typer.Option("--status", help="mbox: put the flags into the messages.")
]
ZipOption = Annotated[bool, typer.Option("--zip", help="Make DEST one zip file.")]
ImportedArgument = Annotated[
    Path, typer.Argument(metavar="PATH", help="A folder, a file of mail, a zip or tar.")
]
KeptNameOption = Annotated[
    str, typer.Option("--account", metavar="NAME", help="Under which name to keep it.")
]
TakenFormatOption = Annotated[
    str, typer.Option("--format", metavar="auto|maildir|mbox|eml", help="Take only these.")
]
KeepLineEndsOption = Annotated[
    bool, typer.Option("--keep-line-ends", help="Take the line ends that the files have.")
]
StoreNothingOption = Annotated[
    bool, typer.Option("--dry-run", help="Only say what is there; store nothing.")
]
CountOption = Annotated[
    bool, typer.Option("--dry-run", help="Only count what is new; store nothing.")
]
AcceptEmptyOption = Annotated[
    bool, typer.Option("--accept-empty", help="Mail that vanished was meant to.")
]
GoneForOption = Annotated[
    str | None,
    typer.Option(
        "--gone-for",
        metavar="AGE",
        help="Only what was expunged so long ago: 90d, 26w, 6m, 1y.",
    ),
]
KeepLastOption = Annotated[
    int | None,
    typer.Option(
        "--keep-last",
        metavar="N",
        min=1,
        help="Only what none of the last N runs of its account shows.",
    ),
]
AccountOption = Annotated[
    str | None, typer.Option("--account", metavar="NAME", help="Only mail of this account.")
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
    typer.Option("--verify", metavar="[some|all|none]", help="What to fetch back, compare."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The configuration file."),
]


def share(written: object) -> float:
    """A share of 100, as it was typed: ``5``, ``0.1`` or ``5%``. Raises UsageError."""
    try:
        percent = float(str(written).removesuffix("%"))
    except ValueError:
        percent = 0.0
    if not 0 < percent <= 100:
        raise UsageError(
            f"--sample is a share of 100, not {printable(str(written))}",
            hint="a number such as 5 or 0.5: so many of a hundred messages",
        )
    return percent
