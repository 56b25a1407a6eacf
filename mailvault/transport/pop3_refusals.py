"""A POP3 server's no, in plain words: refused for good, for now, or a refused login."""

from mailvault.errors import LoginRefused, ServerBusy, ServerRefused
from mailvault.protocols.pop3.types import Status
from mailvault.transport.endpoint import Endpoint
from mailvault.transport.pop3_session import said
from mailvault.transport.refusals import suggested_wait

# RFC 2449 8.1, RFC 3206 4
_FOR_NOW = frozenset({"IN-USE", "LOGIN-DELAY", "SYS/TEMP"})


def is_for_now(status: Status) -> bool:
    """Whether asking again later may help."""
    return status.code in _FOR_NOW or suggested_wait(status.text) is not None


def refused(endpoint: Endpoint, verb: str, status: Status) -> ServerRefused:
    """The error for a command that was answered with -ERR."""
    what = f"{endpoint} refused {verb}: {said(status)}"
    if is_for_now(status):
        wait = suggested_wait(status.text)
        return ServerBusy(what, hint="try again later", retry_after=wait)
    return ServerRefused(what)


def login_refused(
    endpoint: Endpoint, status: Status, secret: str
) -> ServerRefused | LoginRefused:
    """The error for a refused login. `secret` is cut out, should the server repeat it."""
    text = said(status, secret)
    if is_for_now(status):
        return ServerBusy(
            f"{endpoint} takes no logins now: {text}",
            hint="another program may be reading the mailbox; try again later",
            retry_after=suggested_wait(status.text),
        )
    return LoginRefused(
        f"{endpoint} refused the login: {text}",
        hint="check user and password; some providers want an app password, or POP3 to be"
        " switched on",
    )
