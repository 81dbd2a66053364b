"""Time zones for dates of any year, resolved as java.time does: a gap moves a time on, an overlap is the earlier."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9~/._+-]{0,60}")
_OFFSET = re.compile(r"(UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2})(?::?(\d{2}))?)?", re.ASCII)
_STRICT_OFFSET = re.compile(r"(?:UTC|GMT|UT)?[+-]\d\d:\d\d(?::\d\d)?", re.ASCII)
MAX_OFFSET_SECONDS = 18 * 3600


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo | int | None:
    """Zone rules, or a fixed offset in seconds, or None for a name that is none."""
    if name in ("Z", "UTC", "GMT", "UT"):
        return 0
    if (offset := _OFFSET.fullmatch(name)) is not None:
        return _seconds_of(offset)
    if not _NAME.fullmatch(name) or ".." in name:
        return None
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return None


def _seconds_of(offset: re.Match[str]) -> int | None:
    minutes, seconds = int(offset[4] or 0), int(offset[5] or 0)
    total = int(offset[3]) * 3600 + minutes * 60 + seconds
    if minutes > 59 or seconds > 59 or total > MAX_OFFSET_SECONDS:
        return None
    return -total if offset[2] == "-" else total


def offset_text(offset: int) -> str:
    """``+01:00``, with seconds where there are some; ``Z`` for none."""
    if not offset:
        return "Z"
    sign, seconds = ("-", -offset) if offset < 0 else ("+", offset)
    text = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}"
    return f"{text}:{seconds % 60:02}" if seconds % 60 else text


def zone_id(name: str, *, strict: bool = False) -> str | int | None:
    """What a name of a zone stands for: the zone's own name, an offset alone in seconds, or None for neither.

    ``strict`` takes offsets only as ``+01:00``, as they are in the text of a time.
    """
    known = _zone(name)
    if known is None:
        return None
    if name == "Z":
        return 0
    offset = _OFFSET.fullmatch(name)
    if offset is None:
        return name
    if strict and not _STRICT_OFFSET.fullmatch(name):
        return None
    seconds = known if isinstance(known, int) else 0
    if offset[1] is None:
        return seconds
    return f"{offset[1]}{offset_text(seconds)}" if seconds else offset[1]


def _year_with_rules(year: int) -> int:
    """A year of the same calendar that Python can compute with and that has the same zone rules."""
    if 1 < year < 9999:
        return year
    return 400 + year % 400 if year <= 1 else 9200 + year % 400


def offset_at_local(name: str, year: int, month: int, day: int, second_of_day: int) -> tuple[int, int]:
    """The offset in seconds for a local time, and the seconds that the time moves on because it is in a gap."""
    zone = _zone(name)
    if not isinstance(zone, ZoneInfo):
        return zone or 0, 0
    moment = datetime(_year_with_rules(year), month, day) + timedelta(seconds=second_of_day)
    earlier = _seconds(zone, moment)
    later = _seconds(zone, moment.replace(fold=1))
    return (later, later - earlier) if later > earlier else (earlier, 0)


def offset_at_instant(name: str, year: int, month: int, day: int, second_of_day: int) -> int:
    """The offset in seconds at an instant, which is given in UTC."""
    zone = _zone(name)
    if not isinstance(zone, ZoneInfo):
        return zone or 0
    moment = datetime(_year_with_rules(year), month, day, tzinfo=UTC) + timedelta(seconds=second_of_day)
    return int((moment.astimezone(zone).utcoffset() or timedelta()).total_seconds())


def standard_offset(name: str) -> int:
    """The offset without daylight saving time, now: what a time without a date has."""
    zone = _zone(name)
    if not isinstance(zone, ZoneInfo):
        return zone or 0
    now = datetime.now(zone)
    return int(((now.utcoffset() or timedelta()) - (now.dst() or timedelta())).total_seconds())


def _seconds(zone: ZoneInfo, moment: datetime) -> int:
    return int((zone.utcoffset(moment) or timedelta()).total_seconds())


__all__ = ["MAX_OFFSET_SECONDS", "offset_at_instant", "offset_at_local", "offset_text", "standard_offset", "zone_id"]
