"""``Retry-After`` (RFC 9110, section 10.2.3) as the backoff of a job whose model sets none."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from coupler.http.messages import HttpResponse
from coupler.sdk.context import JobContext
from coupler.sdk.errors import ConnectorError, RetryLater

STATUSES: Final = frozenset({429, 503})
LONGEST_SECONDS: Final = 86_400.0


def retry_after_seconds(response: HttpResponse, now: datetime | None = None) -> float | None:
    """How long the server asks to wait, at most a day; ``None`` when it does not say."""
    text = (response.header("retry-after") or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_SECONDS) if len(text) < 10 else LONGEST_SECONDS
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - (now or datetime.now(UTC))).total_seconds(), 0.0), LONGEST_SECONDS)


def respecting(error: ConnectorError, response: HttpResponse, context: JobContext) -> ConnectorError:
    """The same error, with the server's wish as backoff where the model has none of its own."""
    if response.status not in STATUSES or context.headers.get("retryBackoff", "").strip():
        return error
    seconds = retry_after_seconds(response)
    if seconds is None:
        return error
    return RetryLater(str(error), after_seconds=seconds, code=error.code, variables=error.variables)


__all__ = ["STATUSES", "respecting", "retry_after_seconds"]
