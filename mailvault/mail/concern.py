"""Whose mail the present work concerns: for the logs, whose lines come from every room."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_account: ContextVar[str | None] = ContextVar("account", default=None)


@contextmanager
def concerning(account: str | None) -> Iterator[None]:
    """What happens inside concerns this account.

    A thread that is started there knows of it only if it runs in a copy of the context.
    """
    token = _account.set(account)
    try:
        yield
    finally:
        _account.reset(token)


def concerned_account() -> str | None:
    return _account.get()
