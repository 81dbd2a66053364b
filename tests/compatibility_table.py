"""What the tables of the compatibility pages have in common: rows of three cells, the last of which names tests."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


class CompatibilityTable:
    """The tables of one page below ``docs``; ``first_column`` is the heading that is no row."""

    def __init__(self, page: str, first_column: str) -> None:
        self.text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        lines = self.text.splitlines()
        self.rows = [line for line in lines if line.startswith("| ") and not line.startswith(f"| {first_column} ")]

    @property
    def sections(self) -> list[str]:
        """The headings, in order."""
        return re.findall(r"^## (.*)$", self.text, re.MULTILINE)

    def rows_by_section(self) -> dict[str, int]:
        """How many lines of a table stand below each heading, its own heading included."""
        parts = (part.partition("\n") for part in self.text.split("\n## ")[1:])
        return {heading: content.count("\n| ") for heading, _, content in parts}


def cells_of(row: str) -> list[str]:
    """The three cells. Those after the first hold no bar of their own; the first may."""
    return [cell.strip() for cell in row.removeprefix("| ").removesuffix(" |").rsplit(" | ", 2)]


def name_of(row: str) -> str:
    """A row as pytest shows it."""
    return row.split("|")[1].strip()[:60]


def assert_its_tests_exist(row: str) -> None:
    """The row names at least one test, and each that it names is there."""
    cells = cells_of(row)
    assert len(cells) == 3, "a row has three cells"
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", cells[2])
    assert named, "the row names no test"
    for path, name in named:
        assert name in _tests_of(ROOT / path)


@cache
def _tests_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))
