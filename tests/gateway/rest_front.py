"""The REST API v2 in front of a ``FakeGateway``: a real HTTP server."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from coupler import json
from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.protocol import ActivateRequest, Job
from coupler.testing import FakeGateway

STATUS = {
    GatewayStatus.NOT_FOUND: 404,
    GatewayStatus.BACKPRESSURE: 503,
    GatewayStatus.UNAVAILABLE: 504,
    GatewayStatus.UNIMPLEMENTED: 501,
    GatewayStatus.UNAUTHENTICATED: 401,
    GatewayStatus.REJECTED: 400,
}


@dataclass(slots=True, frozen=True)
class RestCall:
    """One request as the server saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


class RestFront:
    """Serves a ``FakeGateway``. ``override`` answers instead of it."""

    def __init__(self, backend: FakeGateway | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.backend = backend or FakeGateway()
        self.calls: list[RestCall] = []
        self.override: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
        self.port = 0
        self._tls = tls
        self._runner: Any = None

    @property
    def address(self) -> str:
        """The base URL."""
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}"

    async def __aenter__(self) -> RestFront:
        app = web.Application()
        app.add_routes(
            [
                web.post("/v2/jobs/activation", self._activate),
                web.post("/v2/jobs/{key}/completion", self._complete),
                web.post("/v2/jobs/{key}/failure", self._fail),
                web.post("/v2/jobs/{key}/error", self._throw_error),
                web.patch("/v2/jobs/{key}", self._update),
                web.get("/v2/topology", self._topology),
                web.get("/v2/process-definitions/{key}/xml", self._xml),
            ]
        )
        app.middlewares.append(self._guard())
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "localhost", 0, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.backend.close()
        await self._runner.cleanup()

    def _guard(self) -> Any:
        @web.middleware
        async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.calls.append(RestCall(request.method, request.path, headers, await request.text()))
            try:
                if self.override is not None:
                    return await self.override(request)
                answer: web.StreamResponse = await handler(request)
            except GatewayError as error:
                return problem(STATUS[error.status], "REFUSED", str(error))
            return answer

        return guard

    async def _activate(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        jobs = await self.backend.activate(
            ActivateRequest(
                body["type"],
                body["worker"],
                body["timeout"] / 1000,
                body["maxJobsToActivate"],
                body.get("fetchVariable", ()),
                body["requestTimeout"] / 1000,
                body.get("tenantIds", ()),
            )
        )
        answer = '{"jobs":[' + ",".join(map(answer_from, jobs)) + "]}"
        return web.Response(text=answer, content_type="application/json")

    async def _complete(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        await self.backend.complete(_key(request), json.dumps(body.get("variables") or {}))
        return web.Response(status=204)

    async def _fail(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        await self.backend.fail(
            _key(request),
            retries=body["retries"],
            message=body["errorMessage"],
            backoff_seconds=body["retryBackOff"] / 1000,
            variables=_variables(body),
        )
        return web.Response(status=204)

    async def _throw_error(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        await self.backend.throw_error(
            _key(request), code=body["errorCode"], message=body["errorMessage"], variables=_variables(body)
        )
        return web.Response(status=204)

    async def _update(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        await self.backend.update_timeout(_key(request), body["changeset"]["timeout"] / 1000)
        return web.Response(status=204)

    async def _topology(self, _request: web.Request) -> web.Response:
        topology = await self.backend.topology()
        brokers = [
            {
                "nodeId": broker.node_id,
                "host": broker.address.partition(":")[0],
                "port": int(broker.address.partition(":")[2]),
                "version": broker.version,
                "partitions": [
                    {
                        "partitionId": partition.id,
                        "role": "leader" if partition.leader else "follower",
                        "health": "healthy" if partition.healthy else "unhealthy",
                    }
                    for partition in broker.partitions
                ],
            }
            for broker in topology.brokers
        ]
        answer = {
            "brokers": brokers,
            "clusterSize": 1,
            "partitionsCount": topology.partitions_count,
            "replicationFactor": 1,
            "gatewayVersion": topology.gateway_version,
            "somethingNew": {},
        }
        return web.json_response(answer)

    async def _xml(self, request: web.Request) -> web.Response:
        return web.Response(text=await self.backend.process_definition_xml(_key(request)), content_type="text/xml")


def problem(status: int, title: str, detail: str) -> web.Response:
    """Problem details (RFC 9457)."""
    content = json.dumps({"type": "about:blank", "title": title, "detail": detail, "status": status})
    return web.Response(status=status, text=content, content_type="application/problem+json")


def answer_from(job: Job) -> str:
    """A job as it travels; put together as text, so that numbers stay as they are."""
    fields = {
        "jobKey": str(job.key),
        "type": job.type,
        "processInstanceKey": str(job.process_instance_key),
        "processDefinitionId": job.process_id,
        "processDefinitionVersion": job.process_definition_version,
        "processDefinitionKey": str(job.process_definition_key),
        "elementId": job.element_id,
        "elementInstanceKey": str(job.element_instance_key),
        "worker": job.worker,
        "retries": job.retries,
        "deadline": job.deadline_ms,
        "tenantId": job.tenant_id,
        "kind": "BPMN_ELEMENT",
        "tags": [],
    }
    return f'{json.dumps(fields)[:-1]},"customHeaders":{job.custom_headers},"variables":{job.variables}}}'


def _key(request: web.Request) -> int:
    return int(request.match_info["key"])


def _variables(body: dict[str, Any]) -> str | None:
    return json.dumps(body["variables"]) if "variables" in body else None
