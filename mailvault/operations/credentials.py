"""After a refused login: whether what an account logs in with has changed since."""

import logging
from typing import Protocol

from mailvault.archive.standings import Standing
from mailvault.errors import MailvaultError

log = logging.getLogger(__name__)


class Credential(Protocol):
    """A secret that can be told from another one without being kept."""

    def mark(self) -> str: ...

    def is_still(self, mark: str) -> bool: ...


def has_changed(standing: Standing, credential: Credential | None) -> bool:
    """Whether the refused secret is certainly another one now: then the pause is over."""
    if credential is None or not standing.refusals or standing.secret is None:
        return False
    try:
        return not credential.is_still(standing.secret)
    except MailvaultError as error:  # it stays refused; what is wrong now shows after the pause
        log.info("the secret cannot be compared with the refused one: %s", error)
        return False


def marked(standing: Standing, credential: Credential | None) -> str | None:
    """The mark of the secret that was refused just now; the old one as long as it holds.

    Many marks of one secret would together tell what one alone does not.
    """
    if credential is None:
        return None
    try:
        if standing.secret is not None and credential.is_still(standing.secret):
            return standing.secret
        return credential.mark()
    except MailvaultError:  # nothing to mark, so nothing was sent
        return None
