"""Making calls on gRPC channels, without generated stubs."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.message import Message
from grpc import aio

from coupler.gateway.auth import Authorization
from coupler.gateway.channels import PooledChannel

END = aio.EOF  # type: ignore[attr-defined]  # the stubs do not have it
SERVICE = "/gateway_protocol.Gateway/"


def serialize(message: Message) -> bytes:
    """The message as it travels."""
    return message.SerializeToString()


def open_call(
    pooled: PooledChannel, rpc: tuple[str, type[Message]], request: Message, value: str | None, timeout: float | None
) -> Any:
    """Starts a call with a stream of answers; ``rpc`` is its name and the type of an answer."""
    name, response = rpc
    call = pooled.channel.unary_stream(
        SERVICE + name, request_serializer=serialize, response_deserializer=response.FromString
    )
    return call(request, timeout=timeout, metadata=None if value is None else metadata_of(value))


async def authorization_value(authorization: Authorization | None) -> str | None:
    """What stands in the ``authorization`` of a call; ``None`` without authentication."""
    return None if authorization is None else await authorization.value()


def metadata_of(value: str) -> aio.Metadata:
    """The metadata of an authorized call."""
    return aio.Metadata(("authorization", value))


def note_refusal(error: aio.AioRpcError, authorization: Authorization | None, value: str | None) -> bool:
    """Tells where the credentials come from that they were refused; returns whether others may be had."""
    if authorization is None or value is None or error.code() is not grpc.StatusCode.UNAUTHENTICATED:
        return False
    return authorization.refused(value)
