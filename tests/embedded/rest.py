"""The engine over real HTTP, and a plain client of its REST API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from coupler.app.engine_documents import engine_documents
from coupler.embedded import EmbeddedEngine, EngineConfig

PATIENCE_SECONDS = 30.0


@dataclass(slots=True)
class Rest:
    """A started engine and a client of its REST API."""

    engine: EmbeddedEngine
    client: httpx.AsyncClient

    async def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        """Posts JSON; the decoded answer, if there is one."""
        answer = await self.client.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def get(self, path: str) -> Any:
        """The decoded answer."""
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def deploy(self, content: bytes, name: str = "p.bpmn") -> str:
        """Deploys a process; the key of its definition."""
        answer = await self.client.post("/deployments", files={"resources": (name, content)})
        assert answer.status_code == 200, answer.text
        key: str = answer.json()["deployments"][0]["processDefinition"]["processDefinitionKey"]
        return key

    async def start(self, process_id: str = "p", **variables: Any) -> str:
        """Starts an instance; its key."""
        created = await self.post("/process-instances", {"processDefinitionId": process_id, "variables": variables})
        key: str = created["processInstanceKey"]
        return key

    async def jobs(self, job_type: str = "work", **members: Any) -> list[dict[str, Any]]:
        """Activates jobs, without waiting for any."""
        body = {"type": job_type, "timeout": 60_000, "maxJobsToActivate": 10, "requestTimeout": -1, **members}
        found: list[dict[str, Any]] = (await self.post("/jobs/activation", body))["jobs"]
        return found

    async def job(self, job_type: str = "work") -> dict[str, Any]:
        """The one job that there must be."""
        (found,) = await self.jobs(job_type)
        return found

    async def job_of(self, instance: str) -> str:
        """Activates all jobs; the key of the one of an instance."""
        return next(str(job["jobKey"]) for job in await self.jobs() if job["processInstanceKey"] == instance)


@asynccontextmanager
async def rest_served(db_path: Path | None = None) -> AsyncIterator[Rest]:
    """Starts an engine on free ports and stops it in the end."""
    engine = EmbeddedEngine(EngineConfig(grpc_port=0, rest_port=0, db_path=db_path), engine_documents(db_path))
    await engine.start()
    try:
        address = f"{engine.rest_address}/v2"
        async with httpx.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS, trust_env=False) as client:
            yield Rest(engine, client)
    finally:
        await engine.stop()
