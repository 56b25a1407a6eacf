"""Global options count wherever they stand on the command line, as users of restic expect."""

from collections.abc import Iterator, Sequence

FLAGS = ("-v", "-vv", "-q", "--verbose", "--quiet")
WITH_VALUE = ("--config", "--log-format")


def globals_first(arguments: Sequence[str]) -> list[str]:
    """Move the global options before the command. What follows ``--`` stays."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            return [*front, *rest, word, *words]
        if word in FLAGS or word.startswith(tuple(f"{name}=" for name in WITH_VALUE)):
            front.append(word)
        elif word in WITH_VALUE:
            front.extend([word, *_following(words)])
        else:
            rest.append(word)
    return [*front, *rest]


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
