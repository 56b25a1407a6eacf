"""Tells through Apprise, a library that knows a hundred services by their addresses.

It comes with the extra ``apprise``. Its addresses hold tokens and stand in no message.
"""

import importlib
import logging

from mailvault.errors import ConfigurationError, ServerRefused, UsageError


def apprise(addresses: str, title: str, text: str, *, is_bad: bool) -> None:
    """Tell everybody at these addresses, which blanks separate.

    Raises:
        UsageError: the library is missing, or knows no such address.
        ServerRefused: somebody could not be told.
    """
    try:
        library = importlib.import_module("apprise")
    except ImportError:
        raise UsageError(
            "apprise_urls needs the library Apprise, which is not installed",
            hint="install mailvault-archive[apprise]",
        ) from None
    # What it logs may name addresses; without a handler Python would print it.
    logger = logging.getLogger("apprise")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    told = library.Apprise()
    for number, address in enumerate(addresses.split(), 1):
        if not told.add(address):
            raise ConfigurationError(
                f"apprise_urls: Apprise does not know what address {number} means",
                hint="https://appriseit.com lists the services and how they are written",
            )
    kind = library.NotifyType.FAILURE if is_bad else library.NotifyType.INFO
    if not told.notify(body=text, title=title, notify_type=kind):
        raise ServerRefused(
            "Apprise could not tell everybody",
            hint='try one address by hand: apprise -vv -b test "ADDRESS"',
        )
