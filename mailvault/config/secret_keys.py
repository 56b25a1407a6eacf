"""Reads the keys that say where a secret is to be found."""

from collections.abc import Callable, Mapping
from pathlib import Path

from mailvault.config import values
from mailvault.config.model import (
    CommandSecret,
    EnvironmentSecret,
    FileSecret,
    KeyringSecret,
    LiteralSecret,
    SecretSource,
)
from mailvault.config.section import Section


def read_secret_source(
    section: Section,
    path: Callable[[object], Path],
    *,
    is_private: bool,
    prefix: str = "",
    name: str = "password",
) -> SecretSource | None:
    """Read the one key that says where a secret is; several are a contradiction."""
    key = prefix + name
    sources = read_elsewhere(section, path, key)
    reader = values.password if key == "password" else values.secret_text
    literal = section.read(key, reader, None)
    # The key ring holds passwords by account, and nothing else.
    if name == "password" and section.read(f"{prefix}keyring", values.enabled, False):
        sources[f"{prefix}keyring"] = KeyringSecret()
    if literal is not None:
        sources[key] = LiteralSecret(literal)
    return only_one(section, key, sources, is_private=is_private, instead=f"{key}_command")


def read_elsewhere(
    section: Section, path: Callable[[object], Path], key: str
) -> dict[str, SecretSource]:
    """The keys that say where else something secret is to be found: program, file, variable."""
    command = section.read(f"{key}_command", values.command, None)
    file = section.read(f"{key}_file", path, None)
    variable = section.read(f"{key}_env", values.text, None)
    sources: dict[str, SecretSource] = {}
    if command is not None:
        sources[f"{key}_command"] = CommandSecret(command)
    if file is not None:
        sources[f"{key}_file"] = FileSecret(file)
    if variable is not None:
        sources[f"{key}_env"] = EnvironmentSecret(variable)
    return sources


def only_one(
    section: Section,
    key: str,
    sources: Mapping[str, SecretSource],
    *,
    is_private: bool,
    instead: str,
) -> SecretSource | None:
    """The one source there is. Several are a contradiction; the secret itself needs privacy."""
    if len(sources) > 1:
        section.complain(f"has {' and '.join(sources)}; keep one of them")
    if key in sources and not is_private:
        section.complain(
            "stands in a file that others can read; run chmod 600 on the configuration "
            f"file, or use {instead}",
            key,
        )
    return next(iter(sources.values()), None)
