"""ISO 8601 dates, durations and repeating intervals, as timers and job leases use them.

All instants are epoch milliseconds.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DURATION = re.compile(
    r"(?P<sign>-)?P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_ZONED = re.compile(r"(?P<instant>[^\[@]+)(?:\[(?P<java>[^\]]+)\]|@(?P<feel>.+))?")
_MAX_YEARS = 1000


@dataclass(frozen=True, slots=True)
class Duration:
    """Calendar months and exact milliseconds; months are added first, as ISO 8601 says."""

    months: int
    milliseconds: int

    def after(self, instant_ms: int) -> int:
        """The instant this long after ``instant_ms``.

        Raises:
            ValueError: beyond the years that a date can have.
        """
        if self.months:
            instant_ms = _add_months(instant_ms, self.months)
        return instant_ms + self.milliseconds


@dataclass(frozen=True, slots=True)
class Cycle:
    """A repeating interval; ``repetitions`` -1 means for ever, ``start_ms`` None means from now."""

    repetitions: int
    start_ms: int | None
    interval: Duration


def parse_duration(text: str) -> Duration:
    """Reads ``PT15S``, ``P1DT12H``, ``P1Y6M``, ``P2W``.

    Raises:
        ValueError: not a duration.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None or text.strip()[-1] in "PT":
        raise ValueError(f"'{text}' is not an ISO 8601 duration such as PT15S or P1D")
    part = {name: float(value) for name, value in match.groupdict(default="0").items() if name != "sign"}
    if part["years"] + part["months"] / 12 + part["weeks"] / 52 + part["days"] / 365 > _MAX_YEARS:
        raise ValueError(f"'{text}' is longer than {_MAX_YEARS} years")
    sign = -1 if match["sign"] else 1
    days = part["weeks"] * 7 + part["days"]
    seconds = ((days * 24 + part["hours"]) * 60 + part["minutes"]) * 60 + part["seconds"]
    return Duration(sign * int(part["years"] * 12 + part["months"]), sign * round(seconds * 1000))


def parse_date(text: str) -> int:
    """Reads an ISO 8601 date and time; without an offset or zone it is UTC.

    Raises:
        ValueError: not a date and time.
    """
    match = _ZONED.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is not an ISO 8601 date and time such as 2030-01-31T12:00:00Z")
    try:
        moment = datetime.fromisoformat(match["instant"])
        zone = match["java"] or match["feel"]
        if zone and moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(zone))
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise ValueError(f"'{text}' is not an ISO 8601 date and time such as 2030-01-31T12:00:00Z") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def parse_cycle(text: str) -> Cycle:
    """Reads ``R3/PT10S``, ``R/PT1M`` and ``R3/2030-01-31T12:00:00Z/PT10S``.

    Raises:
        ValueError: not a repeating interval; cron expressions are not read.
    """
    head, *rest = text.strip().split("/")
    count = re.fullmatch(r"R(\d*)", head)
    if count is None or len(rest) not in (1, 2):
        raise ValueError(f"'{text}' is not an ISO 8601 repeating interval such as R3/PT10S")
    interval = parse_duration(rest[-1])
    if interval.months <= 0 and interval.milliseconds <= 0:
        raise ValueError(f"the interval of '{text}' must be longer than nothing")
    start = parse_date(rest[0]) if len(rest) == 2 else None
    return Cycle(int(count[1]) if count[1] else -1, start, interval)


def _add_months(instant_ms: int, months: int) -> int:
    moment = datetime.fromtimestamp(instant_ms / 1000, UTC)
    total = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(total, 12)
    if not 1 <= year <= 9999:
        raise ValueError(f"the year {year} is beyond what a timer can have")
    day = min(moment.day, monthrange(year, month + 1)[1])
    shifted = moment.replace(year=year, month=month + 1, day=day)
    return instant_ms + round((shifted - moment) / timedelta(milliseconds=1))
