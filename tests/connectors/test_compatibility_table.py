"""Every row of docs/compatibility-rest.md names a test that exists, and no kind of behaviour is without rows."""

from __future__ import annotations

import pytest

from tests.compatibility_table import CompatibilityTable, assert_its_tests_exist, name_of

TABLE = CompatibilityTable("compatibility-rest.md", "behaviour")
SECTIONS = [
    "Identity and input",
    "Authentication",
    "URL",
    "Request",
    "Timeouts and resends",
    "Response",
    "Redirects and cookies",
    "Errors",
    "TLS",
    "Proxies",
    "Egress policy",
    "GraphQL",
]


@pytest.mark.parametrize("row", TABLE.rows, ids=name_of)
def test_the_test_of_a_row_exists(row: str) -> None:
    assert_its_tests_exist(row)


def test_the_sections() -> None:
    assert TABLE.sections == SECTIONS
    assert [heading for heading, lines in TABLE.rows_by_section().items() if lines < 4] == []
