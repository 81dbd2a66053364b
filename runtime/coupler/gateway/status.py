"""From gRPC's status codes to ours."""

from __future__ import annotations

import re

import grpc
from grpc import aio

from coupler.errors import GatewayError, GatewayStatus

_STATUS = {
    grpc.StatusCode.NOT_FOUND: GatewayStatus.NOT_FOUND,
    grpc.StatusCode.RESOURCE_EXHAUSTED: GatewayStatus.BACKPRESSURE,
    grpc.StatusCode.CANCELLED: GatewayStatus.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: GatewayStatus.UNAVAILABLE,
    grpc.StatusCode.ABORTED: GatewayStatus.UNAVAILABLE,
    grpc.StatusCode.UNAVAILABLE: GatewayStatus.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS: GatewayStatus.UNAVAILABLE,
    grpc.StatusCode.UNIMPLEMENTED: GatewayStatus.UNIMPLEMENTED,
    grpc.StatusCode.UNAUTHENTICATED: GatewayStatus.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED: GatewayStatus.UNAUTHENTICATED,
}

# A message over the limit is refused with the code of backpressure, by servers in Java, Go and C alike. It will be
# refused again, so it must not be retried.
_TOO_LARGE = re.compile(r"larger than max|exceeds? (the )?max", re.IGNORECASE)

# A connection cut in the middle of a call is reported by gRPC itself with these codes and texts.
_CUT = re.compile(r"RST_STREAM|Stream removed|GOAWAY|Connection reset|Socket closed", re.IGNORECASE)


def gateway_error(error: aio.AioRpcError, call: str) -> GatewayError:
    """The error of a failed call, naming the call, the code and what the gateway said."""
    code, details = error.code(), error.details() or ""
    status = _STATUS.get(code, GatewayStatus.REJECTED)
    if status is GatewayStatus.BACKPRESSURE and _TOO_LARGE.search(details):
        status = GatewayStatus.REJECTED
    elif code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN) and _CUT.search(details):
        status = GatewayStatus.UNAVAILABLE
    return GatewayError(status, f"{call}: {code.name} {details}".rstrip())
