"""Everything a catalog says, in words that do not depend on the numbers of its rows."""

import sqlite3
from contextlib import closing
from pathlib import Path

_MEANT = {  # what a row number stands for
    "message": "(SELECT hex(digest) FROM message WHERE id = {})",
    "flag_set": "(SELECT flags FROM flag_set WHERE id = {})",
}
_OWN_NUMBERS = {"message", "flag_set"}


def dump(archive: Path) -> dict[str, list[tuple[object, ...]]]:
    """The rows of every table, sorted; references to messages and flags spelt out."""
    with closing(sqlite3.connect(archive / "catalog.db")) as connection:
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            )
        ]
        told = sorted(set(tables) - {"proof"})  # of which no record tells
        return {table: _rows(connection, table) for table in told}


def _rows(connection: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    references = {
        column: target
        for _, _, target, column, *_ in connection.execute(f"PRAGMA foreign_key_list({table})")
    }
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    if table in _OWN_NUMBERS:
        columns.remove("id")
    meant = [
        _MEANT.get(references.get(column, ""), "{}").format(f'{table}."{column}"')
        for column in columns
    ]
    rows = connection.execute(f"SELECT {', '.join(meant)} FROM {table}").fetchall()
    return sorted(rows, key=repr)
