from __future__ import annotations

import pytest

from coupler.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT30S", 30.0),
        ("P1D", 86_400.0),
        ("P1DT2H3M4.5S", 93_784.5),
        ("pt1h", 3600.0),
        ("-PT1M", -60.0),
        ("PT-1M30S", -30.0),
        ("-PT-1M", 60.0),
        ("PT0S", 0.0),
        ("PT0,5S", 0.5),
    ],
)
def test_durations_that_java_reads(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1W",
        "P1M",
        "P1Y",
        "P1D1S",
        "30",
        "PT30",
        "1h",
        " PT1S",
        "PT1S\n",
        "PT\u0661S",
        "P999999999999999D",
        f"PT{'9' * 400}H",
        f"PT{'9' * 400}S",
        f"PT{'9' * 5000}M",
    ],
)
def test_durations_that_java_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|range"):
        parse_duration(text)
