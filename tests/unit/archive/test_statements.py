"""SQL that every supported Python takes."""

import ast
import re
from pathlib import Path

import mailvault

NUMBERED = re.compile(r"\?\d")


def texts(path: Path) -> list[str]:
    nodes = ast.walk(ast.parse(path.read_bytes()))
    return [
        each.value
        for each in nodes
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]


def test_no_placeholder_has_a_number() -> None:
    """Python 3.14 refuses values in their order for those, and 3.12 warns of it."""
    archive = Path(mailvault.__file__).with_name("archive")

    found = {
        path.name: text
        for path in archive.rglob("*.py")
        for text in texts(path)
        if NUMBERED.search(text) and re.search(r"\b(SELECT|INSERT|UPDATE|DELETE)\b", text)
    }

    assert found == {}
