"""Points in time as documents have them: ISO 8601 text outside, seconds since the epoch inside."""

from __future__ import annotations

from datetime import UTC, datetime

from coupler.errors import InputError


def moment_text(moment: float) -> str:
    """Seconds since the epoch as ISO 8601 text, in UTC.

    Raises:
        InputError: beyond all calendars.
    """
    try:
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError) as error:
        raise InputError("The time to live is out of range.") from error


def moment_of(text: str) -> float:
    """ISO 8601 text as seconds since the epoch; without an offset it is UTC.

    Raises:
        InputError: it is no such text.
    """
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError) as error:
        raise InputError(f"'{text[:60]}' is not a date and time such as 2030-01-31T12:00:00Z") from error


def moment_after(now: float, ttl_seconds: float) -> float:
    """The end of a time to live.

    Raises:
        InputError: it would not be in the future.
    """
    if not ttl_seconds > 0:
        raise InputError("The time to live of a document or link must be more than 0.")
    return now + ttl_seconds


__all__ = ["moment_after", "moment_of", "moment_text"]
