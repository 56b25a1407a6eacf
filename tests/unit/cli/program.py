"""mailvault run inside the tests' own process: a folder, a configuration, command lines."""

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailvault.program import run

# A JSON document; the tests look into it by key.
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    octets: bytes
    stderr: str

    @property
    def stdout(self) -> str:
        return self.octets.decode()

    def document(self) -> Json:
        document: Json = json.loads(self.stdout)
        return document

    def lines(self) -> list[Json]:
        return [json.loads(line) for line in self.stdout.splitlines()]


def run_program(*arguments: str) -> Outcome:
    """Run one command line."""
    octets, errors = io.BytesIO(), io.StringIO()
    output = io.TextIOWrapper(octets, encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        code = run(arguments)
        output.flush()
    return Outcome(code, octets.getvalue(), errors.getvalue())


@dataclass(frozen=True, slots=True)
class Setting:
    """A folder with a configuration whose archive is beside it."""

    folder: Path

    @property
    def configuration(self) -> Path:
        return self.folder / "mailvault.toml"

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    def configure(self, **accounts: str) -> None:
        """Write the configuration; each account is given by the lines of its table."""
        tables = [f"[accounts.{name}]\n{lines}\n" for name, lines in accounts.items()]
        self.configuration.write_text('[archive]\npath = "archive"\n' + "".join(tables))
        self.configuration.chmod(0o600)

    def run(self, *arguments: str) -> Outcome:
        return run_program("--config", str(self.configuration), *arguments)
