"""The page on the design shows the rooms in the order that the linter keeps."""

import re
import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]


def test_the_rooms_of_the_page_are_the_layers_of_the_linter() -> None:
    linter = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = [each["layers"] for each in linter["contracts"] if each["type"] == "layers"]
    page = (CHECKOUT / "docs" / "design.md").read_text()
    (drawing,) = re.findall(r"^## Rooms\n\n```\n(.*?)```", page, re.MULTILINE | re.DOTALL)

    shown = [re.split(r"  +", line)[0] for line in drawing.splitlines()]

    assert shown == layers
