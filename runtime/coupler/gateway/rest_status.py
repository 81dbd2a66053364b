"""From HTTP status codes and transport faults to ours."""

from __future__ import annotations

from coupler import json
from coupler.errors import CouplerError, GatewayError, GatewayStatus
from coupler.http.messages import HttpResponse, TransportError, TransportFault

_STATUS = {
    401: GatewayStatus.UNAUTHENTICATED,
    403: GatewayStatus.UNAUTHENTICATED,
    404: GatewayStatus.NOT_FOUND,
    405: GatewayStatus.UNIMPLEMENTED,
    408: GatewayStatus.UNAVAILABLE,
    429: GatewayStatus.BACKPRESSURE,
    501: GatewayStatus.UNIMPLEMENTED,
    502: GatewayStatus.UNAVAILABLE,
    503: GatewayStatus.BACKPRESSURE,
    504: GatewayStatus.UNAVAILABLE,
}
_FOR_GOOD = (TransportFault.INVALID_URL, TransportFault.BODY_TOO_LARGE)
_PROBLEM = "application/problem+json"


def answer_error(call: str, response: HttpResponse) -> GatewayError:
    """The error of an answer that is no success, with what its problem details say (RFC 9457)."""
    status = _STATUS.get(response.status, GatewayStatus.REJECTED)
    if status is GatewayStatus.NOT_FOUND and _PROBLEM not in (response.header("content-type") or "").lower():
        # Not the API's own answer: a proxy, or another server, does not know the path.
        return GatewayError(
            GatewayStatus.UNIMPLEMENTED, f"{call}: {response.url} is not there (404). Check gateway.rest_address"
        )
    return GatewayError(status, f"{call}: {response.status} {_details(response)}".rstrip())


def transport_error(call: str, error: CouplerError) -> GatewayError:
    """The error of a call without an answer."""
    for_good = not isinstance(error, TransportError) or error.fault in _FOR_GOOD
    return GatewayError(GatewayStatus.REJECTED if for_good else GatewayStatus.UNAVAILABLE, f"{call}: {error}")


def _details(response: HttpResponse) -> str:
    try:
        problem = json.loads(response.body)
    except (json.Malformed, UnicodeDecodeError):
        return response.reason or ""
    if not isinstance(problem, dict):
        return response.reason or ""
    return ": ".join(str(problem[name]) for name in ("title", "detail") if problem.get(name))
