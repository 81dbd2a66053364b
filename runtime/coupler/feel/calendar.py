"""The proleptic Gregorian calendar for any year: FEEL dates reach a thousand million years, Python's 9,999."""

from __future__ import annotations

from typing import Final

MAX_YEAR: Final = 999_999_999
DAYS_OF_ERA: Final = 146_097  # 400 years
_EPOCH: Final = 719_468  # days from 0000-03-01 to 1970-01-01
_LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def is_leap(year: int) -> bool:
    """Whether the year has a 29th of February."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_length(year: int, month: int) -> int:
    """Days of the month."""
    return 29 if month == 2 and is_leap(year) else _LENGTHS[month - 1]


def to_epoch_day(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01. Years are counted from March, so that the leap day is the last of its year."""
    if month <= 2:
        year -= 1
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * DAYS_OF_ERA + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - _EPOCH


def from_epoch_day(epoch_day: int) -> tuple[int, int, int]:
    """Year, month and day."""
    era, day_of_era = divmod(epoch_day + _EPOCH, DAYS_OF_ERA)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year_of_era + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


__all__ = ["DAYS_OF_ERA", "MAX_YEAR", "MONTHS", "WEEKDAYS", "from_epoch_day", "is_leap", "month_length", "to_epoch_day"]
