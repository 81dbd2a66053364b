"""Failures as error expressions see them: ``error.code``, ``error.message``, ``error.variables.response``."""

from __future__ import annotations

from typing import Any, Final

from coupler.errors import ConnectorError, CouplerError, InputError
from coupler.http.answers import header_map
from coupler.http.messages import HttpResponse, TransportError, TransportFault

ABORTED: Final = "An error occurred while executing the request, or the connection was aborted"
TIMED_OUT: Final = "The request timed out. Please try increasing the read and connection timeouts."
NO_REASON: Final = "[no reason]"


def response_variables(response: HttpResponse, body: Any) -> dict[str, Any]:
    """The ``variables`` of an error that has a response."""
    return {"response": {"headers": header_map(response.headers), "body": body}}


def status_error(response: HttpResponse, body: Any) -> ConnectorError:
    """The error for a status of 400 or more."""
    return ConnectorError(
        NO_REASON if response.reason is None else response.reason,
        code=str(response.status),
        variables=response_variables(response, body),
    )


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


def transport_failure(error: TransportError) -> CouplerError:
    """What the process model sees of a call without a whole response.

    A response that broke after a status of 400 or more is still reported by its status, without a body.
    """
    if error.fault is TransportFault.INVALID_URL:
        return InputError(f"Invalid URL: {error}")
    if error.response is not None and error.response.status >= 400:
        return status_error(error.response, None)
    if error.headers_received:
        message = f"Error while executing an HTTP request: Failed to read response body: {error}"
        return ConnectorError(message, code="500")
    return _before_headers(error)


__all__ = ["response_variables", "status_error", "transport_failure"]
