"""Dates, times and durations as FEEL and java.time have them: any year, nanoseconds, offsets and zones.

A time or date and time without an offset is *local*: it is not comparable with one that has an offset.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from coupler.feel import calendar, zones

NANOS: Final = 1_000_000_000
DAY_NANOS: Final = 86_400 * NANOS
_MAX_SECONDS: Final = 2**63 - 1


class OutOfRange(ValueError):
    """A date or duration that java.time has no room for; in FEEL the value is null."""


@dataclass(frozen=True, slots=True)
class Date:
    """A day of the proleptic Gregorian calendar."""

    year: int
    month: int
    day: int

    def __post_init__(self) -> None:
        if not (
            -calendar.MAX_YEAR <= self.year <= calendar.MAX_YEAR
            and 1 <= self.month <= 12
            and 1 <= self.day <= calendar.month_length(self.year, self.month)
        ):
            raise OutOfRange

    @property
    def epoch_day(self) -> int:
        """Days since 1970-01-01."""
        return calendar.to_epoch_day(self.year, self.month, self.day)

    @classmethod
    def of_epoch_day(cls, epoch_day: int) -> Date:
        """The date so many days after 1970-01-01."""
        return cls(*calendar.from_epoch_day(epoch_day))

    @property
    def weekday(self) -> int:
        """1 for Monday to 7 for Sunday."""
        return (self.epoch_day + 3) % 7 + 1

    @property
    def day_of_year(self) -> int:
        """1 for the first of January."""
        return self.epoch_day - calendar.to_epoch_day(self.year, 1, 1) + 1

    def plus_months(self, months: int) -> Date:
        """The same day of another month, or its last day."""
        year, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return Date(year, month + 1, min(self.day, calendar.month_length(year, month + 1)))

    @property
    def order(self) -> tuple[int, int, int]:
        """What dates are compared by."""
        return self.year, self.month, self.day


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day: ``nanos`` since midnight, the offset from UTC in seconds, the name of a zone."""

    nanos: int
    offset: int | None = None
    zone: str | None = None

    @property
    def order(self) -> int:
        """What times are compared by."""
        return self.nanos - (self.offset or 0) * NANOS

    def plus_nanos(self, nanos: int) -> Time:
        """The time of day so much later, past midnight if need be."""
        return Time((self.nanos + nanos) % DAY_NANOS, self.offset, self.zone)


@dataclass(frozen=True, slots=True)
class DateTime:
    """A date and a time of day, local or with an offset, which a zone may have given."""

    date: Date
    nanos: int
    offset: int | None = None
    zone: str | None = None

    @classmethod
    def in_zone(cls, date: Date, nanos: int, zone: str) -> DateTime:
        """A local time with the offset that the zone has then."""
        offset, moved = zones.offset_at_local(zone, date.year, date.month, date.day, nanos // NANOS)
        if moved:
            date, nanos = _carry(date, nanos + moved * NANOS)
        return cls(date, nanos, offset, zone)

    @property
    def epoch_nanos(self) -> int:
        """Nanoseconds since 1970-01-01T00:00:00Z (of local time, when there is no offset)."""
        return self.date.epoch_day * DAY_NANOS + self.nanos - (self.offset or 0) * NANOS

    @property
    def order(self) -> tuple[int, tuple[int, int, int], int, str]:
        """What moments are compared by: the instant, then as java.time breaks ties."""
        return self.epoch_nanos, self.date.order, self.nanos, self.zone or ""

    def plus_nanos(self, nanos: int) -> DateTime:
        """So much later on the time line."""
        if self.zone is None:
            return DateTime(*_carry(self.date, self.nanos + nanos), self.offset)
        return _at_instant(self.epoch_nanos + nanos, self.zone)

    def plus_months(self, months: int) -> DateTime:
        """The same time of day so many months later."""
        date = self.date.plus_months(months)
        if self.zone is None:
            return DateTime(date, self.nanos, self.offset)
        return DateTime.in_zone(date, self.nanos, self.zone)

    def at_zone(self, zone: str | int) -> DateTime:
        """The same instant in another zone or at an offset in seconds; a local time is taken to be there."""
        if isinstance(zone, int):
            moved = 0 if self.offset is None else zone - self.offset
            return DateTime(*_carry(self.date, self.nanos + moved * NANOS), zone)
        if self.offset is None:
            return DateTime.in_zone(self.date, self.nanos, zone)
        return _at_instant(self.epoch_nanos, zone)

    @property
    def time(self) -> Time:
        """The time of day."""
        return Time(self.nanos, self.offset, self.zone)


def _carry(date: Date, nanos: int) -> tuple[Date, int]:
    days, rest = divmod(nanos, DAY_NANOS)
    return (Date.of_epoch_day(date.epoch_day + days) if days else date), rest


def _at_instant(epoch_nanos: int, zone: str) -> DateTime:
    days, nanos = divmod(epoch_nanos, DAY_NANOS)
    utc = Date.of_epoch_day(days)
    offset = zones.offset_at_instant(zone, utc.year, utc.month, utc.day, nanos // NANOS)
    return DateTime(*_carry(utc, nanos + offset * NANOS), offset, zone)


@dataclass(frozen=True, slots=True)
class DaysDuration:
    """A days and time duration in nanoseconds."""

    nanos: int

    def __post_init__(self) -> None:
        if abs(self.nanos) // NANOS > _MAX_SECONDS:
            raise OutOfRange

    @property
    def seconds(self) -> float:
        """For whoever waits: seconds as a float."""
        return self.nanos / NANOS

    @property
    def millis(self) -> int:
        """Whole milliseconds, rounded down as ``Duration.toMillis`` does."""
        return self.nanos // 1_000_000

    @property
    def order(self) -> int:
        """What durations are compared by."""
        return self.nanos

    @property
    def total_seconds(self) -> Decimal:
        """Exact seconds."""
        whole, rest = divmod(self.nanos, NANOS)
        return Decimal(whole) if not rest else Decimal(self.nanos).scaleb(-9).normalize()


@dataclass(frozen=True, slots=True)
class MonthsDuration:
    """A years and months duration."""

    months: int

    def __post_init__(self) -> None:
        if abs(self.months) // 12 > 2**31 - 1:
            raise OutOfRange

    @property
    def order(self) -> int:
        """What durations are compared by."""
        return self.months


__all__ = ["DAY_NANOS", "NANOS", "Date", "DateTime", "DaysDuration", "MonthsDuration", "OutOfRange", "Time"]
