"""The gateway over the Orchestration Cluster REST API v2."""

from __future__ import annotations

import time
from typing import Any, TypeVar

import msgspec

from coupler import json
from coupler.errors import ConfigError, CouplerError, GatewayError, GatewayStatus
from coupler.gateway.auth import Authorization
from coupler.gateway.config import GatewayConfig
from coupler.gateway.messages import milliseconds
from coupler.gateway.protocol import ActivateRequest, Job, JobStream, StreamRequest, Topology
from coupler.gateway.rest_messages import Activation, TopologyAnswer
from coupler.gateway.rest_status import answer_error, transport_error
from coupler.http.messages import HttpEngine, HttpRequest, HttpResponse, TlsMaterial

AnswerT = TypeVar("AnswerT", Activation, TopologyAnswer)
_SEND_JSON = ("content-type", "application/json")
_ACCEPT_JSON = ("accept", "application/json, application/problem+json")
_ACCEPT_XML = ("accept", "text/xml, application/problem+json")


class RestGateway:
    """A ``Gateway`` over REST. The API cannot push jobs, so ``stream`` fails with ``UNIMPLEMENTED``."""

    def __init__(self, config: GatewayConfig, engine: HttpEngine, authorization: Authorization | None = None) -> None:
        """Reads the certificates.

        Raises:
            ConfigError: no REST address, or a certificate file that cannot be read.
        """
        base = config.rest_url()
        if base is None:
            raise ConfigError("gateway.rest_address is not set")
        self._base = base
        self._config = config
        self._engine = engine
        self._authorization = authorization
        self._tls = _tls(config)
        self._closed = False

    async def activate(self, request: ActivateRequest) -> list[Job]:
        """POST /jobs/activation, with long polling."""
        held = request.request_timeout_seconds
        body: dict[str, Any] = {
            "type": request.type,
            "worker": request.worker,
            "timeout": milliseconds(request.lease_seconds),
            "maxJobsToActivate": request.max_jobs,
            "requestTimeout": milliseconds(held),
        }
        if request.fetch_variables:
            body["fetchVariable"] = list(request.fetch_variables)
        if request.tenant_ids:
            body["tenantIds"] = list(request.tenant_ids)
        held = held if held > 0 else self._config.request_timeout_seconds
        wait = held + self._config.request_timeout_offset_seconds
        response = await self._call("ActivateJobs", "POST", "/jobs/activation", body, wait_seconds=wait)
        received_at = time.monotonic()
        return [job.to_job(received_at) for job in _decode(response, Activation).jobs]

    def stream(self, request: StreamRequest) -> JobStream:
        """A stream that fails at its first read."""
        return _NoStream()

    async def complete(self, job_key: int, variables: str) -> None:
        """POST /jobs/{key}/completion."""
        await self._call("CompleteJob", "POST", f"/jobs/{job_key}/completion", {"variables": _raw(variables)})

    async def fail(
        self, job_key: int, *, retries: int, message: str, backoff_seconds: float = 0.0, variables: str | None = None
    ) -> None:
        """POST /jobs/{key}/failure."""
        body = {"retries": retries, "errorMessage": message, "retryBackOff": milliseconds(backoff_seconds)}
        await self._call("FailJob", "POST", f"/jobs/{job_key}/failure", _with(body, variables))

    async def throw_error(self, job_key: int, *, code: str, message: str = "", variables: str | None = None) -> None:
        """POST /jobs/{key}/error."""
        body = {"errorCode": code, "errorMessage": message}
        await self._call("ThrowError", "POST", f"/jobs/{job_key}/error", _with(body, variables))

    async def update_timeout(self, job_key: int, lease_seconds: float) -> None:
        """PATCH /jobs/{key}."""
        body = {"changeset": {"timeout": milliseconds(lease_seconds)}}
        await self._call("UpdateJobTimeout", "PATCH", f"/jobs/{job_key}", body)

    async def topology(self) -> Topology:
        """GET /topology."""
        answer = _decode(await self._call("Topology", "GET", "/topology"), TopologyAnswer)
        return answer.to_topology()

    async def process_definition_xml(self, key: int) -> str:
        """GET /process-definitions/{key}/xml."""
        path = f"/process-definitions/{key}/xml"
        return (await self._call("the XML of a process definition", "GET", path, accept=_ACCEPT_XML)).body.decode()

    async def close(self) -> None:
        """Refuses further calls. The engine belongs to whoever made it."""
        self._closed = True
        if self._authorization is not None:
            await self._authorization.close()

    async def _call(
        self,
        name: str,
        method: str,
        path: str,
        body: object = None,
        *,
        wait_seconds: float | None = None,
        accept: tuple[str, str] = _ACCEPT_JSON,
    ) -> HttpResponse:
        if self._closed:
            raise GatewayError(GatewayStatus.UNAVAILABLE, f"{name}: the gateway client is closed")
        content = None if body is None else json.dump_bytes(body)
        response = await self._authorized(name, method, path, content, wait_seconds, accept)
        if response.status >= 300:
            raise answer_error(name, response)
        return response

    async def _authorized(
        self, name: str, method: str, path: str, content: bytes | None, wait: float | None, accept: tuple[str, str]
    ) -> HttpResponse:
        """Sends; a refused token is replaced once."""
        if self._authorization is None:
            return await self._send(name, method, path, content, wait, [accept])
        value = await self._authorization.value()
        response = await self._send(name, method, path, content, wait, [accept, ("authorization", value)])
        if response.status == 401 and self._authorization.refused(value):
            value = await self._authorization.value()
            response = await self._send(name, method, path, content, wait, [accept, ("authorization", value)])
        return response

    async def _send(
        self,
        name: str,
        method: str,
        path: str,
        content: bytes | None,
        wait: float | None,
        headers: list[tuple[str, str]],
    ) -> HttpResponse:
        if content is not None:
            headers.append(_SEND_JSON)
        request = HttpRequest(
            method,
            self._base + path,
            headers,
            content,
            connect_timeout_seconds=self._config.connect_timeout_seconds,
            read_timeout_seconds=wait or self._config.request_timeout_seconds,
            max_body_bytes=self._config.max_message_bytes,
            tls=self._tls,
        )
        try:
            return await self._engine.send(request)
        except CouplerError as error:
            raise transport_error(name, error) from error


class _NoStream:
    def __aiter__(self) -> _NoStream:
        return self

    async def __anext__(self) -> Job:
        raise GatewayError(
            GatewayStatus.UNIMPLEMENTED,
            "jobs can be pushed only over gRPC: set gateway.grpc_address to have them pushed",
        )

    async def aclose(self) -> None:
        """Nothing is open."""


def _raw(text: str) -> msgspec.Raw:
    """JSON text that goes out as it stands."""
    return msgspec.Raw(text.encode())


def _with(body: dict[str, Any], variables: str | None) -> dict[str, Any]:
    return body if variables is None else {**body, "variables": _raw(variables)}


def _decode(response: HttpResponse, answer: type[AnswerT]) -> AnswerT:
    try:
        return msgspec.json.decode(response.body, type=answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GatewayError(
            GatewayStatus.REJECTED,
            f"{response.url} does not answer like the Orchestration Cluster REST API: {error}. "
            "Check gateway.rest_address",
        ) from error


def _tls(config: GatewayConfig) -> TlsMaterial | None:
    paths = (config.client_certificate_path, config.client_key_path, config.ca_certificate_path)
    if not any(paths):
        return None
    try:
        certificate, key, authorities = (None if path is None else path.read_text() for path in paths)
    except OSError as error:
        raise ConfigError(f"the certificate file {error.filename} cannot be read: {error.strerror}") from error
    return TlsMaterial(certificate=certificate, private_key=key, trusted_certificates=authorities)
