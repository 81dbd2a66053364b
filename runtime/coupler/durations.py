"""ISO 8601 durations as ``java.time.Duration`` reads them: days, hours, minutes, seconds."""

from __future__ import annotations

import math
import re
from functools import lru_cache

_NUMBER = r"[-+]?[0-9]+"
_PATTERN = re.compile(
    rf"(?P<sign>[-+]?)P(?:(?P<days>{_NUMBER})D)?"
    rf"(?P<time>T(?:(?P<hours>{_NUMBER})H)?(?:(?P<minutes>{_NUMBER})M)?(?:(?P<seconds>{_NUMBER}(?:[.,][0-9]{{0,9}})?)S)?)?",
    re.ASCII | re.IGNORECASE,
)
_SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60}
_MAX_SECONDS = 2**63 / 1000  # the gateway counts milliseconds in 64 bits


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> float:
    """``PT30S``, ``P1DT2H``, ``-PT1.5S`` … to seconds; a sign per part, letters in any case.

    Weeks, months and years have no fixed length and are refused, as in ``java.time.Duration.parse``.

    Raises:
        ValueError: not such a duration, or out of range.
    """
    match = _PATTERN.fullmatch(text)
    if match is None or match["time"] in ("T", "t"):
        raise ValueError(f"'{text}' is not an ISO 8601 duration such as PT30S, PT5M or P1DT2H")
    if not any(match[name] for name in (*_SECONDS, "seconds")):
        raise ValueError(f"'{text}' is not an ISO 8601 duration: it names no amount")
    total = _total(match)
    if abs(total) >= _MAX_SECONDS:
        raise ValueError(f"'{text[:100]}' is out of range")
    return -total if match["sign"] == "-" else total


def _total(match: re.Match[str]) -> float:
    try:
        total = float(sum(int(match[name]) * factor for name, factor in _SECONDS.items() if match[name]))
    except (OverflowError, ValueError):  # more digits than a float, or than Python reads, holds
        return math.inf
    return total + float((match["seconds"] or "0").replace(",", "."))
