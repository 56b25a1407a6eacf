"""A server's no, in plain words: refused for good, refused for now, or a refused login."""

import re

from mailvault.errors import LoginRefused, ServerBusy, ServerRefused
from mailvault.protocols.imap.types import Bye, Greeting, Tagged
from mailvault.transport.endpoint import Endpoint
from mailvault.transport.refusals import suggested_wait, words

# RFC 5530 3, RFC 9051 7.1, and Exchange's own
_FOR_NOW = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "OVERQUOTA", "THROTTLED", "SERVERBUG"})

# Office 365 says this from minute to minute although the password is right.
_NOT_CONNECTED = "authenticated but not connected"

_APP_PASSWORD = re.compile(r"app(lication)?[- ]?(specific)? password", re.IGNORECASE)

# These are said of our haste alone; UNAVAILABLE and SERVERBUG of single messages, too, and
# then tomorrow again.
_OF_OUR_HASTE = frozenset({"THROTTLED", "OVERQUOTA", "LIMIT", "INUSE"})

_LOGIN_HINTS = {
    "EXPIRED": "the password has expired: set a new one with the provider",
    "PRIVACYREQUIRED": 'use tls = "implicit" or "starttls"',
    "CONTACTADMIN": "ask the administrator of the server",
    "AUTHORIZATIONFAILED": "this user may not use this mailbox or service",
}


def refused(endpoint: Endpoint, verb: str, tagged: Tagged) -> ServerRefused:
    """The error for a command that was answered with NO or BAD."""
    what = f"{endpoint} refused {verb}: {said(tagged)}"
    if is_for_now(tagged):
        return ServerBusy(what, hint="try again later", retry_after=suggested_wait(tagged.text))
    return ServerRefused(what)


def login_refused(
    endpoint: Endpoint, tagged: Tagged, secret: str
) -> ServerRefused | LoginRefused:
    """The error for a refused login. `secret` is cut out, should the server repeat it."""
    text = said(tagged, secret)
    if is_for_now(tagged) or _NOT_CONNECTED in tagged.text.lower():
        return ServerBusy(
            f"{endpoint} takes no logins now: {text}",
            hint="try again later",
            retry_after=suggested_wait(tagged.text),
        )
    return LoginRefused(f"{endpoint} refused the login: {text}", hint=_login_hint(tagged))


def _login_hint(tagged: Tagged) -> str:
    if _APP_PASSWORD.search(tagged.text):
        return "make an app password in the account's settings and use that"
    code = tagged.code.name if tagged.code else ""
    return _LOGIN_HINTS.get(
        code, "check user and password; some providers want an app password"
    )


def is_for_now(response: Tagged | Bye | Greeting) -> bool:
    """Whether asking again later may help."""
    code = response.code.name if response.code else ""
    return code in _FOR_NOW or suggested_wait(response.text) is not None


def is_throttled(response: Tagged) -> bool:
    """Whether a FETCH was refused for our haste, and not for the messages it asked for."""
    code = response.code.name if response.code else ""
    return code in _OF_OUR_HASTE or suggested_wait(response.text) is not None


def said(response: Tagged | Bye | Greeting, secret: str = "") -> str:
    """The server's own words, safe to show."""
    return words(response.code.name if response.code else None, response.text, secret)
