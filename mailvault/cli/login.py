"""The command ``login``."""

import sys
from typing import Annotated

import typer

from mailvault.cli.invocation import chosen_accounts, configuration
from mailvault.cli.options import JsonOption
from mailvault.cli.output import emit, emit_json


def login(
    context: typer.Context,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Which account.")],
    paste: Annotated[
        bool, typer.Option("--paste", help="Bring the answer of a browser elsewhere.")
    ] = False,
    show_status: Annotated[
        bool, typer.Option("--status", help="Only say whether a login is needed.")
    ] = False,
    logout: Annotated[
        bool, typer.Option("--logout", help="Forget the tokens on this machine.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Sign in by OAuth2, with a browser here or elsewhere.

    Needs a table oauth in the account's configuration; docs/oauth.md says how to get there.
    """
    from mailvault import logins, wiring
    from mailvault.cli.login_report import login_json, login_lines
    from mailvault.errors import LoginRefused, UsageError

    if paste + show_status + logout > 1:
        raise UsageError("--paste, --status and --logout exclude each other")
    known = configuration(context)
    (settings,) = chosen_accounts(known, [account])
    revoked = logins.sign_out(settings) if logout else None
    if not (logout or show_status):
        logins.sign_in(settings, paste=paste, dialogue=Dialogue())
        wiring.end_pause(known, settings)
    state = logins.login_state(settings)
    if as_json:
        emit_json(login_json(account, state, revoked))
    else:
        for line in login_lines(account, state, revoked):
            emit(line)
    if show_status and state.needs_login:
        raise typer.Exit(LoginRefused.exit_code)


class Dialogue:
    """What is said and asked while somebody signs in; all of it on standard error."""

    def show_device(self, page: str, user_code: str) -> None:
        self._say(f"Open {page}\nand type the code {user_code}")

    def show_page(self, page: str) -> None:
        self._say(f"Open this page in a browser on this machine:\n{page}")

    def ask_address(self, page: str) -> str:
        self._say(
            f"Open this page in any browser:\n{page}\n"
            "After signing in the browser will fail to load a page on 127.0.0.1 or localhost.\n"
            "Paste the whole address of that page here:"
        )
        return sys.stdin.readline()

    def _say(self, text: str) -> None:
        from mailvault.cli.terminal import printable_lines

        print(printable_lines(text), file=sys.stderr, flush=True)
