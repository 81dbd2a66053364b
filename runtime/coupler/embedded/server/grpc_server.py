"""The gRPC server: which call goes where, and how a rejection becomes a status."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import grpc

from coupler.embedded.rejection import Reason, Rejection
from coupler.embedded.server import health
from coupler.embedded.server.calls import Calls
from coupler.errors import ConfigError
from coupler.gateway.proto import gateway_pb2 as pb

_STATUS = {
    Reason.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.INVALID_ARGUMENT: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.INVALID_STATE: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.ALREADY_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Reason.UNIMPLEMENTED: grpc.StatusCode.UNIMPLEMENTED,
    Reason.DEADLINE_EXCEEDED: grpc.StatusCode.DEADLINE_EXCEEDED,
}

_OPTIONS = (
    # Two servers on one port would each get some of the calls.
    ("grpc.so_reuseport", 0),
    # Clients keep idle connections alive with pings; that is no reason to hang up on them.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
)

_GRPC_LOG = logging.getLogger("grpc._cython.cygrpc")


def _is_news(record: logging.LogRecord) -> bool:
    """A client that leaves while a job is being sent to it is no error: the job is handed back."""
    return not record.getMessage().startswith("ExecuteBatchError raised in core")


Context = grpc.aio.ServicerContext[Any, Any]


def _unary(call: Callable[[Any], Any]) -> Callable[[Any, Context], Awaitable[Any]]:
    async def handle(request: Any, context: Context) -> Any:
        try:
            return call(request)
        except Rejection as rejection:
            await context.abort(_STATUS[rejection.reason], rejection.message)

    return handle


def _unary_async(call: Callable[[Any], Awaitable[Any]]) -> Callable[[Any, Context], Awaitable[Any]]:
    async def handle(request: Any, context: Context) -> Any:
        try:
            return await call(request)
        except Rejection as rejection:
            await context.abort(_STATUS[rejection.reason], rejection.message)

    return handle


def _streaming(call: Callable[[Any], AsyncGenerator[Any]]) -> Callable[[Any, Context], AsyncGenerator[Any]]:
    async def handle(request: Any, context: Context) -> AsyncGenerator[Any]:
        # The generators are closed at once, not when they are collected: undelivered jobs are handed back there.
        answers = call(request)
        try:
            async for answer in answers:
                yield answer
        except Rejection as rejection:
            await context.abort(_STATUS[rejection.reason], rejection.message)
        finally:
            await answers.aclose()

    return handle


def _handlers(calls: Calls) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
    service = pb.DESCRIPTOR.services_by_name["Gateway"]
    unary: dict[str, Callable[[Any], Any]] = {
        "Topology": calls.topology,
        "DeployResource": calls.deploy_resource,
        "CreateProcessInstance": calls.create_process_instance,
        "CancelProcessInstance": calls.cancel_process_instance,
        "SetVariables": calls.set_variables,
        "PublishMessage": calls.publish_message,
        "ResolveIncident": calls.resolve_incident,
        "CompleteJob": calls.complete_job,
        "FailJob": calls.fail_job,
        "ThrowError": calls.throw_error,
        "UpdateJobRetries": calls.update_job_retries,
        "UpdateJobTimeout": calls.update_job_timeout,
        "EvaluateDecision": calls.evaluate_decision,
        "BroadcastSignal": calls.broadcast_signal,
    }
    streaming: dict[str, Callable[[Any], AsyncGenerator[Any]]] = {
        "ActivateJobs": calls.activate_jobs,
        "StreamActivatedJobs": calls.stream_activated_jobs,
    }
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
    for method in service.methods:
        request_class = getattr(pb, method.input_type.name)
        codec = {"request_deserializer": request_class.FromString, "response_serializer": _serialize}
        if method.name in streaming:
            handlers[method.name] = grpc.unary_stream_rpc_method_handler(_streaming(streaming[method.name]), **codec)
        elif method.name in unary:
            handlers[method.name] = grpc.unary_unary_rpc_method_handler(_unary(unary[method.name]), **codec)
    with_result = grpc.unary_unary_rpc_method_handler(
        _unary_async(calls.create_process_instance_with_result),
        request_deserializer=pb.CreateProcessInstanceWithResultRequest.FromString,
        response_serializer=_serialize,
    )
    handlers["CreateProcessInstanceWithResult"] = with_result
    return handlers


def _serialize(message: Any) -> bytes:
    data: bytes = message.SerializeToString()
    return data


class GrpcServer:
    """Serves the gateway protocol and health checks."""

    def __init__(self, calls: Calls) -> None:
        self._server = grpc.aio.server(options=_OPTIONS)
        gateway = grpc.method_handlers_generic_handler("gateway_protocol.Gateway", _handlers(calls))
        self._server.add_generic_rpc_handlers((gateway, health.handler()))

    async def start(self, host: str, port: int) -> int:
        """Binds and serves; returns the port.

        Raises:
            ConfigError: the address cannot be bound.
        """
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            bound = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise ConfigError(
                f"the engine cannot listen on {address}: the port is taken or the address is not of this machine"
            ) from error
        _GRPC_LOG.addFilter(_is_news)
        await self._server.start()
        return bound

    async def stop(self, grace_seconds: float) -> None:
        """Refuses new calls, lets running ones finish for a while, then ends them."""
        await self._server.stop(grace_seconds)
