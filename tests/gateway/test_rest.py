"""What is particular to REST: addresses, status codes, answers that are none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.config import GatewayConfig
from coupler.gateway.protocol import ActivateRequest
from coupler.gateway.rest import RestGateway
from coupler.http.engine import Engine
from tests.gateway.rest_front import RestFront, problem

POLL = ActivateRequest("t", "w", lease_seconds=60, max_jobs=10, request_timeout_seconds=5)


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = Engine()
    yield engine
    await engine.close()


def client(address: str, engine: Engine, **timing: float) -> RestGateway:
    return RestGateway(GatewayConfig(rest_address=address, prefer_rest=True, **timing), engine)  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", ["", "/", "/v2", "/v2/"])
async def test_the_address_is_taken_with_and_without_the_version(engine: Engine, suffix: str) -> None:
    async with RestFront() as front:
        assert (await client(front.address + suffix, engine).topology()).healthy
    assert [call.path for call in front.calls] == ["/v2/topology"]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (400, GatewayStatus.REJECTED),
        (401, GatewayStatus.UNAUTHENTICATED),
        (403, GatewayStatus.UNAUTHENTICATED),
        (404, GatewayStatus.NOT_FOUND),
        (409, GatewayStatus.REJECTED),
        (413, GatewayStatus.REJECTED),
        (429, GatewayStatus.BACKPRESSURE),
        (500, GatewayStatus.REJECTED),
        (501, GatewayStatus.UNIMPLEMENTED),
        (502, GatewayStatus.UNAVAILABLE),
        (503, GatewayStatus.BACKPRESSURE),
        (504, GatewayStatus.UNAVAILABLE),
    ],
)
async def test_codes_become_statuses_with_the_problems_words(engine: Engine, code: int, status: GatewayStatus) -> None:
    async def refuse(_request: web.Request) -> web.StreamResponse:
        return problem(code, "INVALID_STATE", "Job 5 is not active")

    async with RestFront() as front:
        front.override = refuse
        with pytest.raises(GatewayError, match=f"CompleteJob: {code} INVALID_STATE: Job 5 is not active") as caught:
            await client(front.address, engine).complete(5, "{}")
    assert caught.value.status is status


async def test_another_server_at_the_address_is_told_apart_from_a_job_that_is_gone(engine: Engine) -> None:
    async def page(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=404, text="<h1>Not Found</h1>", content_type="text/html")

    async with RestFront() as front:
        front.override = page
        with pytest.raises(GatewayError, match=r"Check gateway\.rest_address") as caught:
            await client(front.address, engine).complete(5, "{}")
    assert caught.value.status is GatewayStatus.UNIMPLEMENTED


@pytest.mark.parametrize("body", ["<html>", "{}", '{"jobs":[{"jobKey":1}]}', "[]"])
async def test_an_answer_that_is_none_is_rejected_with_advice(engine: Engine, body: str) -> None:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=body)

    async with RestFront() as front:
        front.override = answer
        with pytest.raises(GatewayError, match=r"Check gateway\.rest_address") as caught:
            await client(front.address, engine).activate(POLL)
    assert caught.value.status is GatewayStatus.REJECTED


async def test_null_variables_and_headers_are_empty_objects(engine: Engine) -> None:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(
            text='{"jobs":[{"jobKey":"1","type":"t","variables":null,"customHeaders":null,"tenantId":null}]}'
        )

    async with RestFront() as front:
        front.override = answer
        (job,) = await client(front.address, engine).activate(POLL)
    assert (job.variables, job.custom_headers, job.tenant_id) == ("{}", "{}", "<default>")


async def test_keys_may_be_numbers_as_before_8_8(engine: Engine) -> None:
    async def answer(_request: web.Request) -> web.StreamResponse:
        keys = '"jobKey":2251799813685249,"processInstanceKey":2,"processDefinitionKey":3,"elementInstanceKey":4'
        return web.Response(text=f'{{"jobs":[{{{keys},"type":"t","worker":null}}]}}')

    async with RestFront() as front:
        front.override = answer
        (job,) = await client(front.address, engine).activate(POLL)
    assert (job.key, job.process_instance_key) == (2251799813685249, 2)
    assert (job.process_definition_key, job.element_instance_key, job.worker) == (3, 4, "")


async def test_a_poll_that_hangs_ends_at_its_deadline(engine: Engine) -> None:
    async def hang(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        raise AssertionError

    async with RestFront() as front:
        front.override = hang
        gateway = client(front.address, engine, request_timeout_seconds=0.05, request_timeout_offset_seconds=0.05)
        with pytest.raises(GatewayError) as caught:
            await gateway.activate(ActivateRequest("t", "w", 60, 10, request_timeout_seconds=0.05))
    assert caught.value.status is GatewayStatus.UNAVAILABLE


async def test_a_gateway_that_is_not_there_is_unavailable(engine: Engine) -> None:
    with pytest.raises(GatewayError) as caught:
        await client("http://127.0.0.1:1", engine).topology()
    assert caught.value.status is GatewayStatus.UNAVAILABLE
