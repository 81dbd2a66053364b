"""docs/feel.md lists what there is."""

from __future__ import annotations

from pathlib import Path

from coupler.expressions import FUNCTIONS
from coupler.feel import reference
from coupler.feel.limits import DEFAULT
from coupler.feel.registry import BUILTINS

DOCUMENT = (Path(__file__).parents[2] / "docs" / "feel.md").read_text(encoding="utf-8")


def test_the_table_of_functions_is_the_generated_one() -> None:
    assert reference.updated(DOCUMENT) == DOCUMENT, "run: python -m coupler.feel.reference docs/feel.md"


def test_every_function_has_a_row() -> None:
    table = reference.table()
    for name in BUILTINS:
        assert f"`{name}(" in table


def test_functions_of_jobs_are_documented() -> None:
    for name in FUNCTIONS:
        assert f"`{name}(" in DOCUMENT


def test_limits_are_documented_with_their_defaults() -> None:
    rows = {
        line.split("|")[1].strip(): line.split("|")[-2].strip()
        for line in DOCUMENT.splitlines()
        if line.startswith("| `")
    }
    for name in DEFAULT.__dataclass_fields__:
        assert rows[f"`{name}`"] == f"{getattr(DEFAULT, name):,}"
