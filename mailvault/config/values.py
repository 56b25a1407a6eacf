"""Reads single values of a configuration: each reader gives the value or says what is right.

A reader raises ValueError with a phrase that follows the key's path. No phrase repeats a
value that could hold a secret.
"""

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path

SIZE_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
DURATION_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Phrase the nearest known word as a question; empty when nothing is near."""
    nearest = get_close_matches(word, known, n=1)
    return f', did you mean "{nearest[0]}"?' if nearest else ""


def shown(value: object) -> str:
    """Name a value as its TOML text would."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case dict():
            return "a table"
        case list():
            return "a list"
        case _:
            return str(value)


def text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")  # the value may be a secret
    if not value.strip():
        raise ValueError("must not be empty")
    if any(character in value for character in "\r\n\0"):
        raise ValueError("must be one line")
    return value


def password(value: object) -> str:
    """A password as it is; an empty one was written on purpose."""
    return "" if value == "" else secret_text(value)


def secret_text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be text in quotes, and not empty")
    return value


def boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {shown(value)}")
    return value


def enabled(value: object) -> bool:
    if value is not True:
        raise ValueError(f"must be true (or leave the key out), not {shown(value)}")
    return True


def whole_number(lowest: int, highest: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if not (is_number and isinstance(value, int) and lowest <= value <= highest):
            raise ValueError(f"must be a number from {lowest} to {highest}, not {shown(value)}")
        return value

    return read


def choice(*names: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if isinstance(value, str) and value in names:
            return value
        near = did_you_mean(value, names) if isinstance(value, str) else ""
        listed = ", ".join(f'"{name}"' for name in names)
        raise ValueError(f"must be one of {listed}, not {shown(value)}{near}")

    return read


def text_list(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError('must be a list such as ["one", "two"]')
    if not all(isinstance(item, str) and item.strip() for item in value):
        raise ValueError("must hold only texts in quotes, none of them empty")
    return tuple(value)


def globs(value: object) -> tuple[str, ...]:
    patterns = text_list(value)
    if "!" in patterns:
        raise ValueError('holds a "!" that leaves nothing out; write "!NAME"')
    return patterns


def size(value: object) -> int:
    """Octets: a whole number, or one with a binary unit such as "150M"."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    found = re.fullmatch(r"([1-9][0-9]{0,14}) ?([KMGT]?)(?:I?B)?", str(value).upper())
    if not isinstance(value, str) or not found:
        raise ValueError(f'must be a size such as "150M" or "1G", not {shown(value)}')
    return int(found[1]) * SIZE_UNITS[found[2]]


def duration(value: object) -> float:
    """Seconds: a number, or one with a unit such as "15m"."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return float(value)
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", value) if isinstance(value, str) else None
    if not found or not int(found[1]):
        raise ValueError(
            f'must be a time such as "30s", "15m", "6h" or "1d", not {shown(value)}'
        )
    return float(int(found[1]) * DURATION_UNITS[found[2]])


def schedule(value: object) -> str:
    """An interval, a cron line or a name; kept as written."""
    from mailvault.schedule.rhythm import read_rhythm

    written = text(value)
    try:
        read_rhythm(written)
    except ValueError as error:
        raise ValueError(
            f'{shown(value)} {error}; write an interval ("15m"), a cron line ("30 2 * * 0"), '
            "@hourly, @daily or @weekly"
        ) from None
    return written


def window(value: object) -> str:
    from mailvault.schedule.window import read_window

    if not isinstance(value, str):
        raise ValueError(f'must be hours such as "22:00-06:00", not {shown(value)}')
    try:
        read_window(value)
    except ValueError as error:
        raise ValueError(f"{error}, not {shown(value)}") from None
    return value


def time_of_day(value: object) -> tuple[int, int]:
    """Hour and minute."""
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])", str(value))
    if not isinstance(value, str) or not found:
        raise ValueError(f'must be a time of day such as "07:30", not {shown(value)}')
    return int(found[1]), int(found[2])


def url(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"https?://[^\s/]+\S*", value):
        return value
    raise ValueError("must be an address that begins with https:// (or http://)")


def host(value: object) -> str:
    name = text(value)
    if "://" in name or "/" in name or "@" in name:
        raise ValueError('must be only the name of the server, such as "imap.example.com"')
    if re.fullmatch(r"\[[0-9A-Fa-f:.]+\]", name):
        name = name[1:-1]
    if name.count(":") == 1:
        raise ValueError("must not hold a port; write it as port = NUMBER")
    if any(character.isspace() for character in name):
        raise ValueError("must not hold blanks")
    return name


def listen_address(value: object) -> tuple[str, int]:
    """An address of this machine and a port; brackets around IPv6."""
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/@]+):([0-9]{1,5})", str(value))
    if not isinstance(value, str) or not found or not 0 < int(found[2]) < 65536:
        raise ValueError(
            f'must be an address and a port, such as "127.0.0.1:9464", not {shown(value)}'
        )
    return found[1].strip("[]"), int(found[2])


def fingerprint(value: object) -> str:
    """The SHA-256 of a certificate, with or without colons; given back in lower case."""
    digits = text(value).lower().replace(":", "").removeprefix("sha256")
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise ValueError('must be "sha256:" and the 64 hexadecimal digits of a certificate')
    return f"sha256:{digits}"


def path_below(folder: Path) -> Callable[[object], Path]:
    """Read paths: ``~`` is the user's home, relative ones lie below ``folder``."""

    def read(value: object) -> Path:
        try:
            return folder / Path(text(value)).expanduser()
        except RuntimeError:
            raise ValueError("names the home of a user who has none") from None

    return read


def command(value: object) -> tuple[str, ...]:
    """A program and its arguments: a line quoted as for a shell, or a list."""
    if isinstance(value, list):
        return text_list(value)
    import shlex

    try:
        words = shlex.split(text(value))
    except ValueError as error:
        raise ValueError(f"must be a command: {str(error).lower()}") from None
    if not words:
        raise ValueError("must be a command")
    return tuple(words)
