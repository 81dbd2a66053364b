"""Tagged values, and agreement with case files where there are some."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bench.feel.comparison import meets
from bench.feel.conformance import score
from coupler import feel
from coupler.feel import tagged

VALUES: list[dict[str, Any]] = [
    {"type": "null"},
    {"type": "boolean", "value": True},
    {"type": "number", "value": "1.50"},
    {"type": "number", "value": "-9007199254740993"},
    {"type": "string", "value": "x"},
    {"type": "date", "value": "-2024-02-29"},
    {"type": "time", "value": "10:20:30.5+02:00"},
    {"type": "time", "value": "10:20:30@Europe/Berlin"},
    {"type": "date and time", "value": "2024-02-29T10:20:30Z"},
    {"type": "days and time duration", "value": "-P1DT2H"},
    {"type": "years and months duration", "value": "P1Y2M"},
    {"type": "list", "value": [{"type": "null"}, {"type": "list", "value": []}]},
    {"type": "context", "value": {"a b": {"type": "number", "value": "1"}}},
]


@pytest.mark.parametrize("value", VALUES)
def test_tagged_values_survive_a_round_trip(value: dict[str, Any]) -> None:
    assert tagged.encode(tagged.decode(value)) == value


def test_numbers_keep_their_scale() -> None:
    assert tagged.decode({"type": "number", "value": "1.50"}) == Decimal("1.50")
    assert tagged.encode(feel.evaluate("1 / 8", {})) == {"type": "number", "value": "0.125"}


def test_short_times_are_read() -> None:
    assert tagged.encode(tagged.decode({"type": "time", "value": "10:20+02:00"}))["value"] == "10:20:00+02:00"


@pytest.mark.parametrize("value", [{"type": "date", "value": "x"}, {"type": "other", "value": "function"}])
def test_what_is_no_value_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is no"):
        tagged.decode(value)


def test_functions_and_ranges_are_others() -> None:
    assert tagged.encode(feel.evaluate("function(x) x", {})) == {"type": "other", "value": "function"}


SAME: list[tuple[dict[str, Any], dict[str, Any] | None, bool]] = [
    ({"type": "null"}, None, True),
    ({"type": "number", "value": "1"}, None, False),
    ({"type": "number", "value": "1.0"}, {"type": "number", "value": "1"}, True),
    ({"type": "number", "value": "1"}, {"type": "number", "value": "1.1"}, False),
    ({"type": "number", "value": "1"}, {"type": "string", "value": "1"}, False),
    ({"type": "number", "value": "1"}, {"type": "list", "value": [{"type": "number", "value": "1"}]}, True),
    ({"type": "days and time duration", "value": "PT24H"}, {"type": "days and time duration", "value": "P1D"}, True),
    ({"type": "days and time duration", "value": "PT24H"}, {"type": "days and time duration", "value": "P2D"}, False),
    ({"type": "time", "value": "10:20Z"}, {"type": "time", "value": "10:20:00+00:00"}, True),
    ({"type": "time", "value": "10:20Z"}, {"type": "time", "value": "10:20:00"}, False),
    (
        {"type": "date and time", "value": "2024-02-29T10:20+01:00[Europe/Berlin]"},
        {"type": "date and time", "value": "2024-02-29T10:20:00@Europe/Berlin"},
        True,
    ),
    ({"type": "context", "value": {"a": {"type": "null"}}}, {"type": "context", "value": {}}, False),
]


@pytest.mark.parametrize(("expected", "actual", "same"), SAME)
def test_comparison_tells_agreement(expected: dict[str, Any], actual: dict[str, Any] | None, same: bool) -> None:
    assert meets(expected, actual, "number") is same


# File, share of all cases, share of those that expect a value: at least these agree.
RATES = [("dialect", 1.0, 1.0), ("tck_feelscala", 0.99, 0.99), ("tck", 0.889, 0.815)]


@pytest.mark.parametrize(("name", "of_all", "of_values"), RATES)
def test_case_files_agree(name: str, of_all: float, of_values: float) -> None:
    folder = os.environ.get("FEEL_CASES")
    path = Path(folder or "") / f"{name}.jsonl"
    if folder is None or not path.exists():
        pytest.skip(f"NO CONFORMANCE CASES: set FEEL_CASES to a folder with {name}.jsonl")

    result = score(path)

    assert result.total.agreeing / result.total.all >= of_all, result.differences
    assert result.total.agreeing_with_value / result.total.with_value >= of_values
