"""One refused login is enough: providers lock accounts over several."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from mailvault.errors import LoginRefused

Client = TypeVar("Client")


class LoginGate(Generic[Client]):
    """Lets an account's connections log in one after the other, until one is refused.

    After that the same refusal is given without asking the server.
    """

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect
        self._refusal: LoginRefused | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Client:
        """Connect and log in. Raises what connecting raises, and LoginRefused ever after."""
        with self._lock:
            if self._refusal is not None:
                raise self._refusal
            try:
                return self._connect()
            except LoginRefused as refusal:
                self._refusal = refusal
                raise
