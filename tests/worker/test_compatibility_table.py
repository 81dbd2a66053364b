"""Every row of docs/compatibility-lifecycle.md names a test that exists, and no part of a job's life lacks rows."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "compatibility-lifecycle.md").read_text(encoding="utf-8")
ROWS = [line for line in TABLE.splitlines() if line.startswith("| ") and not line.startswith("| the Java runtime |")]
SECTIONS = [
    "Task headers",
    "Order",
    "`jobTimeout`",
    "From error to retries",
    "The `error` object",
    "Scope of the error expression",
    "Functions of expressions",
    "Commands",
    "Result mapping",
    "Input",
    "Secrets",
    "Leases, cancellation, shutdown",
]


@cache
def functions_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:60])
def test_the_test_of_a_row_exists(row: str) -> None:
    cells = row.removeprefix("| ").removesuffix(" |").rsplit(" | ", 2)
    assert len(cells) == 3, "the Java runtime, Coupler, test"
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", cells[2])
    assert named, "the row names no test"
    for path, name in named:
        assert name in functions_of(ROOT / path)


def test_a_row_says_same_better_or_different() -> None:
    for row in ROWS:
        coupler = row.removesuffix(" |").rsplit(" | ", 2)[1]
        assert coupler.startswith(("same", "better", "different", "no counterpart")), row


def test_the_sections() -> None:
    assert re.findall(r"^## (.*)$", TABLE, re.MULTILINE) == SECTIONS
    for section in TABLE.split("\n## ")[1:]:
        assert section.count("\n| ") >= 4, section.partition("\n")[0]
