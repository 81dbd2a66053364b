"""The response body in the form that the model chose."""

from __future__ import annotations

import codecs
from typing import Any, Final

from coupler.http.answers import leading_json, structured_or_text
from coupler.http.messages import HttpResponse, TransportError, TransportFault
from coupler.json import Malformed, loads
from coupler.sdk.errors import ConnectorError, InputError
from coupler.sdk.http_call.input import DocumentReturnFormat, ReturnFormat

INLINE_LIMIT_BYTES: Final = 1_572_864  # more does not fit into the variables of a job
FAILED: Final = "Failed to read payload for document response conversion"


def _codec(encoding: str | None) -> str:
    name = (encoding or "").strip() or "utf-8"
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise InputError(f"The encoding '{name}' of the response format is not known") from error


def check_format(chosen: DocumentReturnFormat | None) -> ReturnFormat | None:
    """The format that counts, found out before anything is sent.

    Raises:
        InputError: the encoding of a text is unknown.
    """
    if chosen is None or chosen.choice is None:
        return None
    if chosen.choice is ReturnFormat.TEXT:
        _codec(chosen.encoding)
    return chosen.choice


def response_limit(format_: ReturnFormat | None) -> int | None:
    """The largest body to read; ``None`` for the engine's own limit."""
    return INLINE_LIMIT_BYTES if format_ in (ReturnFormat.TEXT, ReturnFormat.JSON) else None


def _json(response: HttpResponse) -> Any:
    body = response.body
    if not body or body.isspace():
        return None
    try:
        return loads(body)
    except (Malformed, UnicodeDecodeError):
        pass
    try:
        return leading_json(body, scalars=True)
    except (ValueError, RecursionError) as error:
        if 300 <= response.status < 400:
            return body.decode("utf-8", "replace")
        raise ConnectorError(
            f"JSON response format selected but the payload is not valid JSON: {error}", code="500"
        ) from error


def body_of(response: HttpResponse, format_: ReturnFormat | None, encoding: str | None) -> Any:
    """The body of a success.

    Raises:
        ConnectorError: it is not the JSON that the model expects.
    """
    if format_ is ReturnFormat.TEXT:
        return response.body.decode(_codec(encoding), "replace")
    return structured_or_text(response.body) if format_ is None else _json(response)


def error_body_of(response: HttpResponse, format_: ReturnFormat | None) -> Any:
    """The body of a status of 400 or more; an absent one is null, with a chosen format empty text."""
    body = structured_or_text(response.body)
    return "" if body is None and format_ is not None else body


def broken_body(error: TransportError, format_: ReturnFormat | None) -> ConnectorError | None:
    """The error for a body that could not be read into a chosen format; ``None`` where the general rules apply."""
    if format_ is None or not error.headers_received or error.response is None or error.response.status >= 400:
        return None
    if error.fault is TransportFault.BODY_TOO_LARGE:
        return ConnectorError(f"{FAILED}: {error}. Choose the document reference as response format.", code="500")
    return ConnectorError(f"{FAILED}: {error}", code="500")


__all__ = ["body_of", "broken_body", "check_format", "error_body_of", "response_limit"]
