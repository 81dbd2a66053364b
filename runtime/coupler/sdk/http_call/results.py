"""The response body in the form that the model chose."""

from __future__ import annotations

from typing import Any

from coupler.http.answers import any_json, structured_or_text
from coupler.http.messages import HttpResponse, TransportError, TransportFault
from coupler.sdk.documents import INLINE_LIMIT_BYTES, ReturnFormat, text_encoding
from coupler.sdk.errors import ConnectorError


def response_limit(chosen: ReturnFormat | None) -> int | None:
    """The largest body to read; ``None`` for the engine's own limit."""
    return INLINE_LIMIT_BYTES if chosen in (ReturnFormat.TEXT, ReturnFormat.JSON) else None


def _json(response: HttpResponse) -> Any:
    """Any JSON value; an empty body is null, and what an unfollowed redirect says need not be JSON."""
    body = response.body
    if not body or body.isspace():
        return None
    try:
        return any_json(body)
    except ValueError as error:
        if 300 <= response.status < 400:
            return body.decode("utf-8", "replace")
        raise ConnectorError(
            f"JSON response format selected but the payload is not valid JSON: {error}", code="INVALID_JSON"
        ) from error


def body_of(response: HttpResponse, chosen: ReturnFormat | None, encoding: str | None) -> Any:
    """The body of a success.

    Raises:
        ConnectorError: it is not the JSON that the model expects.
    """
    if chosen is ReturnFormat.TEXT:
        return response.body.decode(text_encoding(encoding), "replace")
    return structured_or_text(response.body) if chosen is None else _json(response)


def error_body_of(response: HttpResponse, chosen: ReturnFormat | None) -> Any:
    """The body of a status of 400 or more; an absent one is null, with a chosen format empty text."""
    body = structured_or_text(response.body)
    return "" if body is None and chosen is not None else body


def broken_body(error: TransportError, chosen: ReturnFormat | None) -> ConnectorError | None:
    """The error for a body that could not be read into a chosen format; ``None`` where the general rules apply."""
    if chosen is None or error.response is None or error.response.status >= 400 or not error.headers_received:
        return None
    message = f"Failed to read payload for document response conversion: {error}"
    if error.fault is TransportFault.BODY_TOO_LARGE and chosen is not ReturnFormat.DOCUMENT:
        message += (
            f", too large to be returned as {chosen.value}. Choose DOCUMENT as the response format: "
            "it stores the content and returns a reference."
        )
        return ConnectorError(message, code="CONTENT_TOO_LARGE")
    return ConnectorError(message, code="500")


__all__ = ["body_of", "broken_body", "error_body_of", "response_limit"]
