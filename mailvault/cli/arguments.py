"""What may be typed and Typer does not know: global options that count wherever they stand, as
users of restic expect, and an option whose value may be left out.
"""

from collections.abc import Iterator, Sequence

FLAGS = ("-v", "-vv", "-q", "--verbose", "--quiet")
WITH_VALUE = ("--config", "--log-format")
READING_BACK = ("restore", "migrate")
EXTENTS = ("some", "all", "none")
"""What ``--verify`` of those commands may be followed by; the first is what it means alone."""


def understood(arguments: Sequence[str]) -> list[str]:
    """Write a command line the way that Typer understands it."""
    front, rest = _parted(arguments)
    return [*front, *_with_values(rest)]


def globals_first(arguments: Sequence[str]) -> list[str]:
    """Move the global options before the command. What follows ``--`` stays."""
    front, rest = _parted(arguments)
    return [*front, *rest]


def command_of(arguments: Sequence[str]) -> str | None:
    """The command that is meant."""
    _, rest = _parted(arguments)
    return rest[0] if rest else None


def _parted(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The global options, and the command with its own words."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            return front, [*rest, word, *words]
        if word in FLAGS or word.startswith(tuple(f"{name}=" for name in WITH_VALUE)):
            front.append(word)
        elif word in WITH_VALUE:
            front.extend([word, *_following(words)])
        else:
            rest.append(word)
    return front, rest


def _with_values(words: Sequence[str]) -> list[str]:
    """Give ``--verify`` its usual value where it stands alone, which Typer knows no way to."""
    if not words or words[0] not in READING_BACK:
        return list(words)
    end = words.index("--") if "--" in words else len(words)
    return [
        f"{word}={EXTENTS[0]}"
        if word == "--verify"
        and place < end
        and (place + 1 == len(words) or words[place + 1] not in EXTENTS)
        else word
        for place, word in enumerate(words)
    ]


def log_format_of(arguments: Sequence[str]) -> str:
    """Tell how to log before the command line has been understood."""
    words = globals_first(arguments)
    for place, word in enumerate(words):
        if word == "--log-format=json" or words[place : place + 2] == ["--log-format", "json"]:
            return "json"
        if word == "--":
            break
    return "text"


def _following(words: Iterator[str]) -> list[str]:
    value = next(words, None)
    return [] if value is None else [value]
