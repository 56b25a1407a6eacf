"""Reads the keys that say where a secret is to be found."""

from collections.abc import Callable
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
    command = section.read(f"{key}_command", values.command, None)
    file = section.read(f"{key}_file", path, None)
    variable = section.read(f"{key}_env", values.text, None)
    reader = values.password if key == "password" else values.secret_text
    literal = section.read(key, reader, None)
    sources: dict[str, SecretSource] = {}
    if command is not None:
        sources[f"{key}_command"] = CommandSecret(command)
    if file is not None:
        sources[f"{key}_file"] = FileSecret(file)
    if variable is not None:
        sources[f"{key}_env"] = EnvironmentSecret(variable)
    # The key ring holds passwords by account, and nothing else.
    if name == "password" and section.read(f"{prefix}keyring", values.enabled, False):
        sources[f"{prefix}keyring"] = KeyringSecret()
    if literal is not None:
        sources[key] = LiteralSecret(literal)
    if len(sources) > 1:
        section.complain(f"has {' and '.join(sources)}; keep one of them")
    if literal is not None and not is_private:
        section.complain(
            "stands in a file that others can read; run chmod 600 on the configuration "
            f"file, or use {key}_command",
            key,
        )
    return next(iter(sources.values()), None)
