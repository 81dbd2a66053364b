"""The engine as pyzeebe, a client that knows nothing of it, sees it over real gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pyzeebe import ZeebeWorker
from pyzeebe.errors import (
    MessageAlreadyExistsError,
    ProcessDefinitionHasNoStartEventError,
    ProcessDefinitionNotFoundError,
    ProcessInstanceNotFoundError,
    ProcessInvalidError,
    ProcessTimeoutError,
)
from pyzeebe.errors.pyzeebe_errors import BusinessError

from tests.embedded.bpmn import boundary, catch, end, error, message, model, one_task, start, task
from tests.embedded.served import Served, handles, served

APPROVAL = model(
    start(), task("task", "work"), boundary("caught", "task", error("NOPE")), task("repair", "repair"), end(),
    flows="start -> task -> end\ncaught -> repair -> end",
)  # fmt: skip


@pytest.fixture
async def gateway() -> AsyncIterator[Served]:
    """An engine in memory."""
    async with served() as found:
        yield found


async def deploy(gateway: Served, folder: Path, content: bytes, name: str = "p.bpmn") -> Any:
    """Deploys from a file, as pyzeebe does."""
    file = folder / name
    file.write_bytes(content)
    return await gateway.client.deploy_resource(str(file))


@pytest.fixture
async def worker(gateway: Served) -> AsyncIterator[ZeebeWorker]:
    """A worker that polls; tests add tasks before they start it with ``asyncio.create_task(worker.work())``."""
    found = ZeebeWorker(gateway.channel, request_timeout=2_000, poll_retry_delay=0)
    yield found
    await found.stop()


async def test_topology_names_one_healthy_broker(gateway: Served) -> None:
    topology = await gateway.client.topology()
    assert topology.cluster_size == 1
    (broker,) = topology.brokers
    assert f"{broker.host}:{broker.port}" == gateway.engine.grpc_address
    assert [(p.role, p.health) for p in broker.partitions] == [(0, 0)]


async def test_deploy_counts_versions_and_an_identical_resource_keeps_its_own(gateway: Served, tmp_path: Path) -> None:
    first = await deploy(gateway, tmp_path, one_task("a"))
    again = await deploy(gateway, tmp_path, one_task("a"))
    changed = await deploy(gateway, tmp_path, one_task("b"))
    assert [d.deployments[0].version for d in (first, again, changed)] == [1, 1, 2]
    assert first.deployments[0].process_definition_key == again.deployments[0].process_definition_key


async def test_a_process_runs_and_its_result_comes_back(gateway: Served, worker: ZeebeWorker, tmp_path: Path) -> None:
    @handles(worker, "work")
    async def work(x: int) -> dict[str, Any]:
        return {"y": x * 2}

    await deploy(gateway, tmp_path, one_task("work"))
    running = asyncio.create_task(worker.work())
    result = await gateway.client.run_process_with_result("p", {"x": 21}, timeout=10_000)
    assert result.variables == {"x": 21, "y": 42}
    await worker.stop()
    await running


async def test_the_result_of_a_process_that_takes_too_long_is_a_deadline(gateway: Served, tmp_path: Path) -> None:
    await deploy(gateway, tmp_path, one_task("work"))
    with pytest.raises(ProcessTimeoutError):
        await gateway.client.run_process_with_result("p", timeout=50)
    assert gateway.engine.view().active_instances == 1


@pytest.mark.parametrize("streams", [False, True], ids=["poll", "stream"])
async def test_a_worker_handles_a_hundred_jobs(gateway: Served, tmp_path: Path, streams: bool) -> None:
    worker = ZeebeWorker(gateway.channel, request_timeout=2_000, poll_retry_delay=0, stream_enabled=streams)
    seen: list[int] = []

    @handles(worker, "work")
    async def work(x: int) -> dict[str, Any]:
        seen.append(x)
        return {}

    await deploy(gateway, tmp_path, one_task("work"))
    running = asyncio.create_task(worker.work())
    for number in range(100):
        await gateway.client.run_process("p", {"x": number})
    async with asyncio.timeout(30):
        while gateway.engine.view().active_instances:
            await asyncio.sleep(0.02)
    assert sorted(seen) == list(range(100))
    await worker.stop()
    await running


async def test_an_error_of_the_worker_goes_to_its_boundary_event(
    gateway: Served, worker: ZeebeWorker, tmp_path: Path
) -> None:
    @handles(worker, "work")
    async def work() -> dict[str, Any]:
        raise BusinessError("NOPE", "not today")

    @handles(worker, "repair")
    async def repair() -> dict[str, Any]:
        return {"repaired": True}

    await deploy(gateway, tmp_path, APPROVAL)
    running = asyncio.create_task(worker.work())
    result = await gateway.client.run_process_with_result("p", {}, timeout=10_000)
    assert result.variables == {"repaired": True}
    await worker.stop()
    await running


async def test_cancel_ends_an_instance_once(gateway: Served, tmp_path: Path) -> None:
    await deploy(gateway, tmp_path, one_task())
    created = await gateway.client.run_process("p")
    await gateway.client.cancel_process_instance(created.process_instance_key)
    with pytest.raises(ProcessInstanceNotFoundError):
        await gateway.client.cancel_process_instance(created.process_instance_key)
    assert gateway.engine.view().instances[0].state == "terminated"


async def test_a_message_starts_a_process(gateway: Served, tmp_path: Path) -> None:
    content = model(
        start(content=message("order")), task("task"), end(), flows="start -> task -> end", messages={"order": ""}
    )
    await deploy(gateway, tmp_path, content)
    await gateway.client.publish_message("order", "", {"number": 7})
    (job,) = await gateway.activate()
    assert job.variables == '{"number":7}'
    with pytest.raises(ProcessDefinitionHasNoStartEventError):
        await gateway.client.run_process("p")


async def test_a_message_reaches_the_instance_that_waits_for_it(gateway: Served, tmp_path: Path) -> None:
    content = model(
        start(), catch("paid", message("payment")), task("task"), end(),
        flows="start -> paid -> task -> end", messages={"payment": "= order"},
    )  # fmt: skip
    await deploy(gateway, tmp_path, content)
    await gateway.client.run_process("p", {"order": "A-1"})
    await gateway.client.run_process("p", {"order": "A-2"})
    await gateway.client.publish_message("payment", "A-2", {"amount": 5}, message_id="once")
    (job,) = await gateway.activate()
    assert job.variables == '{"amount":5,"order":"A-2"}'
    with pytest.raises(MessageAlreadyExistsError):
        await gateway.client.publish_message("payment", "A-2", {"amount": 5}, message_id="once")


async def test_what_does_not_exist_is_refused(gateway: Served, tmp_path: Path) -> None:
    with pytest.raises(ProcessDefinitionNotFoundError):
        await gateway.client.run_process("nobody")
    with pytest.raises(ProcessInvalidError) as caught:
        await deploy(gateway, tmp_path, b"<broken")
    assert "not well-formed" in str(caught.value.__cause__)


async def test_health(gateway: Served) -> None:
    assert (await gateway.client.healthcheck()).status == 1
