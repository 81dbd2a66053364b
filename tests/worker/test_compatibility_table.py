"""Every row of docs/compatibility-lifecycle.md names a test that exists, and no part of a job's life lacks rows."""

from __future__ import annotations

import pytest

from tests.compatibility_table import CompatibilityTable, assert_its_tests_exist, cells_of, name_of

TABLE = CompatibilityTable("compatibility-lifecycle.md", "the Java runtime")
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


@pytest.mark.parametrize("row", TABLE.rows, ids=name_of)
def test_the_test_of_a_row_exists(row: str) -> None:
    assert_its_tests_exist(row)


def test_a_row_says_same_better_or_different() -> None:
    for row in TABLE.rows:
        assert cells_of(row)[1].startswith(("same", "better", "different", "no counterpart")), row


def test_the_sections() -> None:
    assert TABLE.sections == SECTIONS
    assert [heading for heading, lines in TABLE.rows_by_section().items() if lines < 4] == []
