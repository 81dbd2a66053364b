"""``grpc.health.v1.Health``, written by hand: two messages of one field each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc

_SERVING = b"\x08\x01"
_SERVICE_UNKNOWN = b"\x08\x03"
_SERVICES = frozenset({b"", b"gateway_protocol.Gateway"})
_SERVICE_FIELD = b"\x0a"


def _service(request: bytes) -> bytes:
    """The ``service`` of a HealthCheckRequest; names over 127 bytes are nobody's."""
    if not request:
        return b""
    if request[:1] != _SERVICE_FIELD or len(request) < 2 or request[1] != len(request) - 2:
        return b"?"
    return request[2:]


async def _check(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
    if _service(request) not in _SERVICES:
        await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return _SERVING


async def _watch(request: bytes, _: grpc.aio.ServicerContext[bytes, bytes]) -> AsyncIterator[bytes]:
    yield _SERVING if _service(request) in _SERVICES else _SERVICE_UNKNOWN
    await asyncio.get_running_loop().create_future()  # nothing changes before the server ends the call


def handler() -> grpc.GenericRpcHandler[bytes, bytes]:
    """The handler to register with a server."""
    return grpc.method_handlers_generic_handler(
        "grpc.health.v1.Health",
        {
            "Check": grpc.unary_unary_rpc_method_handler(_check),
            "Watch": grpc.unary_stream_rpc_method_handler(_watch),
        },
    )
