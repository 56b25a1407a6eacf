"""What the global options and the configuration say, for the command that runs."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mailvault.errors import UsageError

if TYPE_CHECKING:
    from mailvault.cli.unattended import Opened
    from mailvault.config.model import AccountSettings, Configuration


@dataclass(frozen=True, slots=True)
class Invocation:
    """The global options."""

    config: Path | None = None
    verbosity: int = 0
    log_format: str = "text"
    unattended: "Opened | None" = None


def invocation(context: typer.Context) -> Invocation:
    return context.obj if isinstance(context.obj, Invocation) else Invocation()


def configuration(context: typer.Context) -> "Configuration":
    """Load the configuration that this invocation asks for."""
    from mailvault.config.load import find, load

    return load(find(invocation(context).config, os.environ))


def chosen_accounts(
    configuration: "Configuration", names: Iterable[str] | None
) -> "list[AccountSettings]":
    """Pick accounts by name, each once; all of them when none is named.

    Raises:
        UsageError: there are no accounts, or not the named ones.
    """
    accounts = configuration.accounts
    if not accounts:
        raise UsageError(
            f"{configuration.path} holds no account",
            hint="add one as config.example.toml shows: [accounts.work] ...",
        )
    wanted = list(dict.fromkeys(names or accounts))
    for name in wanted:
        check_account(name, accounts)
    return [accounts[name] for name in wanted]


def check_account(name: str | None, known: Iterable[str]) -> None:
    """Refuse the name of an account that does not exist."""
    names = sorted(known)
    if name is None or name in names:
        return
    from mailvault.config.values import did_you_mean

    raise UsageError(
        f"there is no account {name!r}{did_you_mean(name, names)}",
        hint=f"accounts: {', '.join(names)}" if names else "there are no accounts yet",
    )
