"""aiohttp's errors in the engine's terms. Imported with the pool, at the first call."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from coupler.http.messages import HttpResponse, TransportError, TransportFault


def _timeout_message(phase: str) -> str:
    return f"{phase}. Please try increasing the read and connection timeouts."


def _tls_cause(error: BaseException) -> BaseException | None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError | ssl.CertificateError):
            return cause
        cause = cause.__cause__
    return None


def _connection_fault(error: aiohttp.ClientConnectionError) -> tuple[TransportFault, str]:
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return TransportFault.PROXY, f"The proxy cannot be reached: {error.os_error.strerror or error.os_error}"
    if isinstance(error, aiohttp.ClientConnectorError):
        where = f"{error.host}:{error.port}"
        return TransportFault.CONNECT, f"No connection to {where}: {error.os_error.strerror or error.os_error}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return TransportFault.DISCONNECTED, "The server closed the connection without an answer"
    return TransportFault.DISCONNECTED, f"The connection broke: {error}"


def _refused_by_proxy(error: aiohttp.ClientHttpProxyError) -> TransportError:
    response = HttpResponse(error.status, error.message, [], b"", "")
    message = f"The proxy answered {error.status} {error.message}".rstrip()
    return TransportError(TransportFault.PROXY, message, response=response)


def fault_of(error: Exception, *, headers_received: bool) -> TransportError:
    """The engine's error for one of aiohttp's, the cause kept for the log."""
    tls = _tls_cause(error)
    if tls is not None:
        reason = getattr(tls, "verify_message", None) or getattr(tls, "reason", None) or str(tls)
        fault, message = TransportFault.TLS, str(reason)
    elif isinstance(error, asyncio.TimeoutError):
        fault = TransportFault.TIMEOUT
        message = _timeout_message("The response body stalled" if headers_received else "The request timed out")
    elif isinstance(error, aiohttp.ClientHttpProxyError):
        return _refused_by_proxy(error)
    elif isinstance(error, aiohttp.ClientConnectionError):
        fault, message = _connection_fault(error)
    elif isinstance(error, aiohttp.ClientPayloadError):
        fault, message = TransportFault.DISCONNECTED, "The response body ended before it was complete"
    elif isinstance(error, aiohttp.InvalidURL):
        fault, message = (
            TransportFault.INVALID_URL,
            f"The URL cannot be requested: {error.description or 'it is not valid'}",
        )
    else:
        # Only the first line: the others show the bytes that came.
        reason = str(getattr(error, "message", "") or error).partition("\n")[0].rstrip(":")
        fault, message = TransportFault.PROTOCOL, f"The answer is not valid HTTP: {reason}"
    result = TransportError(fault, message, headers_received=headers_received)
    result.__cause__ = error
    return result


FAILURES: Final = (aiohttp.ClientError, HttpProcessingError, asyncio.TimeoutError, OSError)

__all__ = ["FAILURES", "fault_of"]
