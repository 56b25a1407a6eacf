"""Reads one table of a configuration and notes every mistake instead of stopping at one."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from mailvault.config.values import did_you_mean

T = TypeVar("T")
D = TypeVar("D")


class Section:
    """A table whose keys are asked for one by one; what nobody asked for is a mistake."""

    def __init__(self, table: Mapping[str, object], path: str, mistakes: list[str]) -> None:
        self.path = path
        self._table = table
        self._mistakes = mistakes
        self._known: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def read(self, key: str, reader: Callable[[object], T], default: D) -> T | D:
        self._known.append(key)
        if key not in self._table:
            return default
        try:
            return reader(self._table[key])
        except ValueError as error:
            self.complain(str(error), key)
            return default

    def require(self, key: str, reader: Callable[[object], T], stand_in: T, example: str) -> T:
        """Read a key that must be there. The stand-in never outlives the mistakes."""
        if key not in self._table:
            self.complain(f"missing; write for instance {key} = {example}", key)
        return self.read(key, reader, stand_in)

    def table(self, key: str) -> "Section":
        """Open a table inside this one; an absent one is empty."""
        value = self.read(key, _table, {})
        return Section(value, self._joined(key), self._mistakes)

    def tables(self) -> list[tuple[str, "Section"]]:
        """Open every table inside this one."""
        return [(key, self.table(key)) for key in self._table]

    def complain(self, what: str, key: str | None = None) -> None:
        where = self._joined(key) if key is not None else self.path
        self._mistakes.append(f"{where}: {what}")

    def finish(self) -> None:
        """Note the keys that were never asked for."""
        for key in self._table:
            if key not in self._known:
                near = did_you_mean(key, self._known)
                self.complain(f"unknown key{near}", key)

    def _joined(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def _table(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError("must be a table, not a value")
    return value
