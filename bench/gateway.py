"""The benchmark's gateway, a process of its own: the gateway protocol over a store in memory, and as cheap as it gets.

Run by ``python -m bench``. Job messages are put together from bytes, since building them costs more than sending them.
"""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from grpc import aio

from bench.control import serve
from bench.payload import JOB_TYPE
from bench.store import Pipe, Store
from coupler.gateway.proto import gateway_pb2 as pb

_NOTHING = b""


class BenchGateway:
    """The calls that a worker makes."""

    def __init__(self) -> None:
        self.store = Store()

    async def activate(self, request: Any, context: Any) -> None:
        """ActivateJobs with long polling."""
        store = self.store
        if request.type != JOB_TYPE:
            await asyncio.sleep(max(0, request.requestTimeout) / 1000)
            return
        if request.requestTimeout >= 0:
            await store.until_pending((request.requestTimeout or 10_000) / 1000)
        if store.pending:
            await context.write(store.batch(request.maxJobsToActivate))

    async def stream(self, request: Any, context: Any) -> None:
        """StreamActivatedJobs."""
        store = self.store
        if request.type != JOB_TYPE:
            await asyncio.Event().wait()
        pipe = Pipe()
        store.pipes.append(pipe)
        try:
            while True:
                await pipe.filled.wait()
                while pipe.keys:
                    await context.write(store.message(pipe.keys[0]))
                    pipe.keys.popleft()
                pipe.filled.clear()
        finally:
            store.close_pipe(pipe)

    async def complete(self, request: Any, context: Any) -> bytes:
        """CompleteJob."""
        if not self.store.finish(request.jobKey, request.variables):
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such job")
        return _NOTHING

    async def fail(self, request: Any, context: Any) -> bytes:
        """FailJob."""
        if not self.store.fail(request.jobKey, request.errorMessage):
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such job")
        return _NOTHING

    async def throw_error(self, request: Any, context: Any) -> bytes:
        """ThrowError."""
        if not self.store.fail(request.jobKey, f"BPMN error {request.errorCode}"):
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such job")
        return _NOTHING

    async def update_timeout(self, _request: Any, _context: Any) -> bytes:
        """UpdateJobTimeout: leases do not end here."""
        return _NOTHING

    async def topology(self, _request: Any, _context: Any) -> bytes:
        """Topology."""
        partitions = [pb.Partition(partitionId=1)]
        broker = pb.BrokerInfo(nodeId=0, host="127.0.0.1", port=26501, version="8.8.0", partitions=partitions)
        answer = pb.TopologyResponse(
            brokers=[broker], clusterSize=1, partitionsCount=1, replicationFactor=1, gatewayVersion="8.8.0"
        )
        return answer.SerializeToString()

    def handlers(self) -> Any:
        """The service, with answers that are bytes already."""
        streams = {"ActivateJobs": self.activate, "StreamActivatedJobs": self.stream}
        unary = {
            "CompleteJob": self.complete,
            "FailJob": self.fail,
            "ThrowError": self.throw_error,
            "UpdateJobTimeout": self.update_timeout,
            "Topology": self.topology,
        }
        handlers = {
            name: grpc.unary_stream_rpc_method_handler(
                call, request_deserializer=getattr(pb, f"{name}Request").FromString
            )
            for name, call in streams.items()
        } | {
            name: grpc.unary_unary_rpc_method_handler(
                call, request_deserializer=getattr(pb, f"{name}Request").FromString
            )
            for name, call in unary.items()
        }
        return grpc.method_handlers_generic_handler("gateway_protocol.Gateway", handlers)

    async def load(self, jobs: int, rate: float, limit_seconds: float, stream_only: bool) -> dict[str, Any]:
        """Makes a batch, waits for its end and says how it went."""
        self.store.stream_only = stream_only
        await self.store.load(jobs, rate)
        await self.store.wait(limit_seconds)
        return self.store.result()

    async def state(self) -> dict[str, Any]:
        """How many streams are open."""
        return {"streams": len(self.store.pipes)}


async def main() -> None:
    """Serves until standard input ends."""
    gateway = BenchGateway()
    options = [("grpc.so_reuseport", 0), ("grpc.http2.max_ping_strikes", 0)]  # idle clients send pings
    server = aio.server(options=options)
    server.add_generic_rpc_handlers([gateway.handlers()])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await serve({"port": port}, {"load": gateway.load, "state": gateway.state})
    await server.stop(0)


if __name__ == "__main__":
    asyncio.run(main())
