"""Takes the names of people and servers out of a report that goes to strangers. Pure."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mailvault.config.model import Configuration
from mailvault.mail.json_values import JsonValue


class Redaction:
    """Exchanges hosts, users, homes and accounts named after addresses for stand-ins."""

    def __init__(self, configuration: Configuration | None, home: Path) -> None:
        names = {} if configuration is None else _names(configuration)
        names[str(home)] = "~"
        ordered = sorted((name for name in names if len(name) > 1), key=len, reverse=True)
        self._names = {name.lower(): names[name] for name in ordered}
        either = "|".join(map(re.escape, ordered))
        # Whole words only: a user called "me" is in many words.
        self._pattern = re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)

    def __call__(self, value: JsonValue) -> JsonValue:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self(each) for key, each in value.items()}
        if isinstance(value, Sequence):
            return [self(each) for each in value]
        return value

    def text(self, text: str) -> str:
        return self._pattern.sub(lambda found: self._names[found[0].lower()], text)


def _names(configuration: Configuration) -> dict[str, str]:
    names: dict[str, str] = {}
    for number, account in enumerate(configuration.accounts.values(), 1):
        if "@" in account.name:
            names[account.name] = f"ACCOUNT{number}"
        names.setdefault(account.host, f"HOST{number}")
        names.setdefault(account.user, f"USER{number}")
        local, _, domain = account.user.partition("@")
        if domain:
            names.setdefault(local, f"USER{number}")
            names.setdefault(domain, f"DOMAIN{number}")
    return names
