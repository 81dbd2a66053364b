"""Runs a process of one task on the engine."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

from tests.e2e.client import Client
from tests.e2e.processes import Engine, until
from tests.templates.histories import Task, model


class Runner:
    """Deploys a model of one task under a name of its own and runs it."""

    def __init__(self, client: Client, engine: Engine, process_id: str) -> None:
        self._client = client
        self._engine = engine
        self.process_id = process_id

    async def __call__(self, task: Task, *, error_code: str | None = None, **variables: object) -> dict[str, Any]:
        """The variables at the end.

        Raises:
            AssertionError: an incident instead of an end.
        """
        await self._client.deploy(model(self.process_id, task, error_code=error_code))
        return await self.run_deployed(**variables)

    async def run_deployed(self, **variables: object) -> dict[str, Any]:
        """Runs what is deployed under the name already."""
        running = asyncio.create_task(self._client.run_for_text(self.process_id, json.dumps(variables)))
        while not running.done():
            await asyncio.wait([running], timeout=0.2)
            incident = self._engine.incident(self.process_id)
            if incident is not None:
                running.cancel()
                await asyncio.wait([running])
                raise AssertionError(f"{self.process_id}: {incident.kind}: {incident.message}")
        return cast("dict[str, Any]", json.loads(await running))

    async def incident(self, task: Task) -> str:
        """The message of the incident that the task raises."""
        await self._client.deploy(model(self.process_id, task))
        await self._client.start(self.process_id)
        found = await asyncio.to_thread(until, lambda: self._engine.incident(self.process_id), "an incident")
        return found.message
