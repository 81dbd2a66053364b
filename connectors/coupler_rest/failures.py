"""Failures as error expressions see them: ``error.code``, ``error.message``, ``error.variables.response``."""

from __future__ import annotations

from typing import Any, NoReturn

from coupler.sdk import ConnectorError, InputError
from coupler.sdk.http import HttpResponse, TransportError, TransportFault
from coupler_rest.response import header_map

ABORTED = "An error occurred while executing the request, or the connection was aborted"
TIMED_OUT = "The request timed out. Please try increasing the read and connection timeouts."
NO_REASON = "[no reason]"


def status_error(response: HttpResponse, body: Any) -> ConnectorError:
    """The error for a status of 400 or more."""
    variables = {"response": {"headers": header_map(response.headers), "body": body}}
    return ConnectorError(response.reason or NO_REASON, code=str(response.status), variables=variables)


def _before_headers(error: TransportError) -> ConnectorError:
    match error.fault:
        case TransportFault.TIMEOUT:
            return ConnectorError(TIMED_OUT, code="408")
        case TransportFault.TLS:
            return ConnectorError(
                f"TLS handshake failed: {error}. The server certificate may not be trusted, "
                "or the server wants a client certificate.",
                code="SSL_HANDSHAKE_FAILED",
            )
        case TransportFault.PROTOCOL:
            return ConnectorError(f"An error with the HTTP protocol occurred: {error}", code="500")
        case TransportFault.TOO_MANY_REDIRECTS:
            return ConnectorError(f"Error while executing an HTTP request: {error}", code="500")
        case _:
            return ConnectorError(f"{ABORTED}: {error}", code="408")


def raise_transport_error(error: TransportError) -> NoReturn:
    """Raises what the process model sees for a call without a whole response.

    Raises:
        InputError: the URL cannot be requested at all.
        ConnectorError: every other fault, with its code.
    """
    if error.fault is TransportFault.INVALID_URL:
        raise InputError(f"Invalid URL: {error}") from error
    if error.headers_received:
        message = f"Error while executing an HTTP request: Failed to read response body: {error}"
        raise ConnectorError(message, code="500") from error
    raise _before_headers(error) from error


__all__ = ["raise_transport_error", "status_error"]
