"""Tells whether a secret is still the one that was refused, and keeps next to nothing of it."""

import hashlib
import secrets
from collections.abc import Callable

OCTETS = 1
"""What is kept of the hash: too little to help whoever guesses, and of 256 changes one is
not noticed. Copies of the archive travel far."""

_ITERATIONS = 10_000


def _random_salt() -> str:
    return secrets.token_hex(4)


class SecretMark:
    """Marks what ``secret`` gives. Raises what reading it raises."""

    def __init__(
        self, secret: Callable[[], str], *, salt: Callable[[], str] = _random_salt
    ) -> None:
        self._secret, self._salt = secret, salt

    def mark(self) -> str:
        """A mark of the present secret; another one each time."""
        return self._marked(self._salt())

    def is_still(self, mark: str) -> bool:
        """Whether the present secret may be the one that was marked."""
        return self._marked(mark.partition(":")[0]) == mark

    def _marked(self, salt: str) -> str:
        text = self._secret().encode()
        digest = hashlib.pbkdf2_hmac("sha256", text, salt.encode(), _ITERATIONS)
        return f"{salt}:{digest[:OCTETS].hex()}"
