"""ISO 8601 dates, durations and repeating intervals."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from coupler.embedded.bpmn.timing import Duration, parse_cycle, parse_date, parse_duration


@pytest.mark.parametrize(
    ("text", "months", "milliseconds"),
    [
        ("PT15S", 0, 15_000),
        ("PT0.5S", 0, 500),
        ("P1DT12H", 0, 129_600_000),
        ("P2W", 0, 1_209_600_000),
        ("P1Y6M", 18, 0),
        ("P1MT1M", 1, 60_000),
        ("-PT5S", 0, -5_000),
        (" PT1H ", 0, 3_600_000),
    ],
)
def test_durations(text: str, months: int, milliseconds: int) -> None:
    assert parse_duration(text) == Duration(months, milliseconds)


@pytest.mark.parametrize("text", ["", "P", "PT", "1S", "PT1X", "PT1S1M", "P1.5D", "P9999Y", "P99999999999D"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|longer than"):
        parse_duration(text)


def test_months_follow_the_calendar() -> None:
    january = parse_date("2031-01-31T12:00:00Z")
    assert parse_duration("P1M").after(january) == parse_date("2031-02-28T12:00:00Z")
    assert parse_duration("P1Y1M").after(january) == parse_date("2032-02-29T12:00:00Z")
    assert parse_duration("-P2M").after(january) == parse_date("2030-11-30T12:00:00Z")
    with pytest.raises(ValueError, match="year"):
        parse_duration("P999Y").after(parse_date("9999-01-01T00:00:00Z"))


@pytest.mark.parametrize(
    "text",
    [
        "2030-06-01T12:00:00Z",
        "2030-06-01T14:00:00+02:00",
        "2030-06-01T14:00:00[Europe/Berlin]",
        "2030-06-01T14:00:00@Europe/Berlin",
        "2030-06-01T14:00:00+02:00[Europe/Berlin]",
        "2030-06-01T12:00",
    ],
)
def test_dates(text: str) -> None:
    assert parse_date(text) == round(datetime(2030, 6, 1, 12, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize("text", ["", "soon", "2030-13-01T00:00:00Z", "2030-06-01T00:00:00[Nowhere/Land]"])
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601 date"):
        parse_date(text)


def test_cycles() -> None:
    assert parse_cycle("R3/PT10S").repetitions == 3
    assert parse_cycle("R/PT10S").repetitions == -1
    cycle = parse_cycle("R2/2030-06-01T12:00:00Z/P1M")
    assert (cycle.start_ms, cycle.interval) == (parse_date("2030-06-01T12:00:00Z"), Duration(1, 0))


@pytest.mark.parametrize("text", ["PT10S", "R3", "R-1/PT1S", "R3/PT0S", "R3/-PT1S", "0 * * * * *", "R/PT1S/PT1S/PT1S"])
def test_what_is_no_cycle(text: str) -> None:
    with pytest.raises(ValueError, match=r"interval|longer than"):
        parse_cycle(text)
