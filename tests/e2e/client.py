"""An independent client of the gateway: pyzeebe, with its own generated code for the calls that it does not wrap."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import grpc
from pyzeebe import ZeebeClient, create_insecure_channel
from pyzeebe.proto import gateway_pb2 as pb
from pyzeebe.proto.gateway_pb2_grpc import GatewayStub

from tests.e2e.bpmn import Model

if TYPE_CHECKING:
    from pyzeebe.proto.gateway_pb2_grpc import GatewayAsyncStub
    from pyzeebe.types import Variables


class Client:
    """What tests ask of an engine. ``pyzeebe`` and ``stub`` are there for everything else."""

    def __init__(self, channel: grpc.aio.Channel, directory: Path) -> None:
        self.channel = channel
        self.pyzeebe = ZeebeClient(channel, max_connection_retries=-1)
        self.stub = cast("GatewayAsyncStub", GatewayStub(channel))
        self._directory = directory

    async def deploy(self, *models: Model) -> None:
        """Deploys each model from a file of its own."""
        files = [self._directory / f"{model.process_id}.bpmn" for model in models]
        for file, model in zip(files, models, strict=True):
            file.write_text(model.xml)
        await self.pyzeebe.deploy_resource(*files)

    async def run(self, process_id: str, *, timeout_seconds: float = 60, **variables: object) -> dict[str, Any]:
        """Starts an instance and waits for its variables."""
        text = await self.run_for_text(process_id, json.dumps(variables), timeout_seconds=timeout_seconds)
        return cast("dict[str, Any]", json.loads(text))

    async def run_for_text(self, process_id: str, variables: str, *, timeout_seconds: float = 60) -> str:
        """The same with variables as JSON text, both ways: numbers stay as they were written."""
        request = pb.CreateProcessInstanceWithResultRequest(
            request=pb.CreateProcessInstanceRequest(bpmnProcessId=process_id, version=-1, variables=variables),
            requestTimeout=int(timeout_seconds * 1000),
        )
        response = await self.stub.CreateProcessInstanceWithResult(request, timeout=timeout_seconds + 10)
        return response.variables

    async def start(self, process_id: str, **variables: object) -> int:
        """Starts an instance and returns its key."""
        return (await self.pyzeebe.run_process(process_id, cast("Variables", variables))).process_instance_key

    async def is_running(self, instance_key: int) -> bool:
        """Whether the engine still knows an instance."""
        return await self._found(pb.SetVariablesRequest(elementInstanceKey=instance_key, variables="{}", local=True))

    async def until_ended(self, *instance_keys: int, patience_seconds: float = 60) -> None:
        """Waits until the instances have ended; an engine that is away meanwhile is waited for.

        Raises:
            TimeoutError: patience is over.
        """
        async with asyncio.timeout(patience_seconds):
            for key in instance_keys:
                while await self.is_running(key):
                    await asyncio.sleep(0.1)

    async def _found(self, request: pb.SetVariablesRequest) -> bool:
        try:
            await self.stub.SetVariables(request, wait_for_ready=True, timeout=60)
        except grpc.aio.AioRpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                return False
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
        return True


@asynccontextmanager
async def connect(address: str, directory: Path) -> AsyncIterator[Client]:
    """A client of the gateway at ``address``; model files are written to ``directory``."""
    options = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000))
    async with create_insecure_channel(address, options) as channel:
        yield Client(channel, directory)
