"""Access tokens as a login needs them: got as late as possible, renewed early and once."""

import logging
import shlex
from collections.abc import Callable
from threading import Lock

from mailvault.errors import ConnectionLost, NeedsLogin, ServerBusy
from mailvault.ports import Clock
from mailvault.transport.oauth_client import OAuthClient
from mailvault.transport.oauth_tokens import TokenFile, Tokens

log = logging.getLogger(__name__)


class AccessToken:
    """The access token of one account. Every call gives one that is good for a login.

    Processes and connections share what the file holds; whoever finds it stale renews it,
    and the others wait for that.
    """

    def __init__(
        self, account: str, file: TokenFile, client: Callable[[], OAuthClient], clock: Clock
    ) -> None:
        self._account = account
        self._file = file
        self._client = client
        self._clock = clock
        self._lock = Lock()

    def __call__(self) -> str:
        """Raises NeedsLogin where only a person can help; the provider is not asked then."""
        with self._lock:
            tokens = self._usable()
            if not tokens.is_fresh(self._clock.now()):
                with self._file.locked():
                    tokens = self._renewed()
            return tokens.access

    def __repr__(self) -> str:
        return f"AccessToken({self._account!r})"

    def _usable(self) -> Tokens:
        reason = self._file.refusal()
        tokens = self._file.read()
        if reason is None and tokens is not None:
            return tokens
        raise self.needed(reason or "nobody has signed in yet")

    def needed(self, reason: str) -> NeedsLogin:
        return NeedsLogin(
            f"the account {self._account} needs a login: {reason}",
            hint=f"mailvault login {shlex.quote(self._account)}",
        )

    def _renewed(self) -> Tokens:
        """Renew under the lock, unless somebody else just did."""
        tokens, now = self._usable(), self._clock.now()
        if tokens.is_fresh(now):
            return tokens
        if tokens.refresh is None:
            if now < tokens.expires:
                return tokens
            raise self._refused("the login has expired, and the provider gave none to renew")
        try:
            renewed = self._client().refreshed(tokens)
        except NeedsLogin as error:
            raise self._refused(str(error)) from None
        except (ConnectionLost, ServerBusy) as error:
            if now >= tokens.expires:
                raise
            log.info("%s: %s; the present token will do for now", self._account, error)
            return tokens
        self._file.write(renewed)
        log.debug("%s: renewed the access token", self._account)
        return renewed

    def _refused(self, reason: str) -> NeedsLogin:
        self._file.refuse(reason)
        return self.needed(reason)
