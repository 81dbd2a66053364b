"""The engine as a process of its own, killed and started again; and in a thread."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from pyzeebe import ZeebeClient, create_insecure_channel
from pyzeebe.grpc_internals.zeebe_adapter import ZeebeAdapter

from coupler.embedded import EmbeddedEngine, EngineConfig, EngineThread, Reason, Rejection
from coupler.embedded.process import run
from coupler.errors import ConfigError
from coupler.gateway.proto import gateway_pb2 as pb
from tests.embedded.bpmn import catch, end, message, model, one_task, start, task, timer
from tests.embedded.served import Served, served

PATIENCE_SECONDS = 30
PROGRAM = """
import sys
from pathlib import Path
from coupler.embedded.config import EngineConfig
from coupler.embedded.process import run
db = Path(sys.argv[1]) if sys.argv[1] else None
sys.exit(run(EngineConfig(grpc_port=0, db_path=db), [Path(name) for name in sys.argv[2:]]))
"""


@contextmanager
def engine_process(db_path: Path | None, *files: Path) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """Starts the engine as a process; yields it with its address and what it printed on the way."""
    command = [sys.executable, "-c", PROGRAM, str(db_path or ""), *map(str, files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines: list[str] = []
        try:
            while not (lines and "gRPC on " in lines[-1]):
                line = process.stdout.readline()
                assert line, f"the engine ended with {process.wait(PATIENCE_SECONDS)}"
                lines.append(line.strip())
            yield process, lines[-1].partition("gRPC on ")[2].partition(",")[0], lines
        finally:
            process.kill()


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Served]:
    """A client of an engine that runs elsewhere."""
    async with create_insecure_channel(grpc_address=address) as channel:
        yield Served(None, channel, ZeebeClient(channel), ZeebeAdapter(channel))  # type: ignore[arg-type]


async def drain(gateway: Served, expected: set[int]) -> set[int]:
    """Activates until the jobs of all these instances are there, or patience ends; returns the instances found.

    More may be there than is expected, and an expected one may come late: its lease from before the kill goes on.
    """
    found: set[int] = set()
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not found >= expected:
                jobs = await gateway.activate(max_jobs=1_000, timeout=600_000, requestTimeout=1_000)
                found |= {job.processInstanceKey for job in jobs}
    return found | {job.processInstanceKey for job in await gateway.activate(max_jobs=1_000)}


async def test_after_kill_9_every_acknowledged_create_and_complete_is_there(tmp_path: Path) -> None:
    db_path, file = tmp_path / "engine.db", tmp_path / "p.bpmn"
    file.write_bytes(one_task())
    created: set[int] = set()
    completed: set[int] = set()
    doubtful: set[int] = set()
    for _ in range(3):
        with engine_process(db_path, file) as (process, address, _):
            async with connected(address) as gateway:
                await _work_until_killed(gateway, process, created, completed, doubtful)
        assert process.returncode == -signal.SIGKILL
    with engine_process(db_path, file) as (_, address, lines):
        assert "version 1" in lines[0], "the same file keeps its version over restarts"
        async with connected(address) as gateway:
            expected = created - completed - doubtful
            open_instances = await drain(gateway, expected)
    # A command whose answer the kill cut off may count or not; an acknowledged one always counts.
    assert not expected - open_instances
    assert not open_instances & completed
    assert len(completed) > 20


async def _work_until_killed(
    gateway: Served, process: subprocess.Popen[str], created: set[int], completed: set[int], doubtful: set[int]
) -> None:
    async def create() -> None:
        while True:
            request = pb.CreateProcessInstanceRequest(bpmnProcessId="p", variables='{"x":1}')
            answer = await gateway.call("CreateProcessInstance", request, pb.CreateProcessInstanceResponse)
            created.add(answer.processInstanceKey)

    async def complete() -> None:
        while True:
            for job in await gateway.activate(max_jobs=5, timeout=500, requestTimeout=1_000):
                # Doubtful until answered. A doubt is kept, not taken out of `created`: the answer to the create may
                # be read only after the kill has cut off the one to the complete.
                doubtful.add(job.processInstanceKey)
                await gateway.call("CompleteJob", pb.CompleteJobRequest(jobKey=job.key), pb.CompleteJobResponse)
                doubtful.discard(job.processInstanceKey)
                completed.add(job.processInstanceKey)

    before = len(completed)
    tasks = [asyncio.create_task(create()) for _ in range(3)] + [asyncio.create_task(complete()) for _ in range(3)]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(completed) < before + 30:
            await asyncio.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, grpc.aio.AioRpcError) for result in results)


async def test_timers_messages_and_incidents_survive(tmp_path: Path) -> None:
    db_path = tmp_path / "engine.db"
    waiting = model(
        start(), catch("c", timer("PT1.5S")), catch("m", message("go")), task("t"), end(),
        flows="start -> c -> m -> t -> end", messages={"go": "= id"},
    )  # fmt: skip
    async with served(db_path) as first:
        await first.engine.deploy("p.bpmn", waiting)
        await first.engine.deploy("q.bpmn", one_task("other").replace(b'id="p"', b'id="q"'))
        await first.engine.create_instance("p", {"id": "1"})
        await first.engine.publish_message("go", "1", {"y": 2}, time_to_live_seconds=3_600)
        await first.engine.create_instance("q")
        (job,) = await first.activate("other")
        await first.call("FailJob", pb.FailJobRequest(jobKey=job.key, errorMessage="no"), pb.FailJobResponse)
    async with served(db_path) as second:
        assert [i.message for i in second.engine.view().incidents] == ["no"]
        (job,) = await second.activate(requestTimeout=PATIENCE_SECONDS * 1_000)
        assert job.variables == '{"id":"1","y":2}'


async def test_work_that_was_postponed_is_resumed_after_a_kill(tmp_path: Path) -> None:
    """A loop that never waits is cut into slices; the slice after the kill goes on where the last one ended."""
    db_path = tmp_path / "engine.db"
    script = '<zeebe:script expression="= n + 1" resultVariable="n"/>'
    counter = f'<bpmn:scriptTask id="s"><bpmn:extensionElements>{script}</bpmn:extensionElements></bpmn:scriptTask>'
    loop = model(
        start(), '<bpmn:exclusiveGateway id="a"/>', counter, '<bpmn:exclusiveGateway id="b" default="p_b_end"/>', end(),
        flows="start -> a -> s -> b -> [= n < 3000] a\nb -> end",
    )  # fmt: skip
    async with served(db_path) as first:
        await first.engine.deploy("p.bpmn", loop)
        await first.engine.create_instance("p", {"n": 0})
        assert first.engine.view().active_instances == 1, "not done within its first slice"
    async with served(db_path) as second:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while second.engine.view().active_instances:
                await asyncio.sleep(0.01)
        (instance,) = second.engine.view().instances
        assert (instance.state, instance.variables) == ("completed", '{"n":3000}')


async def test_sigterm_ends_the_process_with_0(tmp_path: Path) -> None:
    with engine_process(tmp_path / "engine.db") as (process, address, _):
        async with connected(address) as gateway:
            poll = asyncio.create_task(gateway.activate(requestTimeout=600_000))
            for _ in range(3):  # taken up in turn: the poll is there before these are answered
                await gateway.call("Topology", pb.TopologyRequest(), pb.TopologyResponse)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(poll, PATIENCE_SECONDS) == []
        assert await asyncio.to_thread(process.wait, PATIENCE_SECONDS) == 0
    assert not (tmp_path / "engine.db-wal").exists(), "closed cleanly"


async def test_files_and_folders_are_deployed(tmp_path: Path) -> None:
    (tmp_path / "a.bpmn").write_bytes(one_task())
    (tmp_path / "notes.txt").write_text("no model")
    with engine_process(None, tmp_path) as (_, address, lines):
        assert [line for line in lines if "a.bpmn" in line] == [f"Deployed p version 1 from {tmp_path / 'a.bpmn'}"]
        async with connected(address) as gateway:
            await gateway.client.run_process("p")


@pytest.mark.parametrize("content", [b"<broken", None], ids=["broken", "missing"])
def test_a_file_that_cannot_be_deployed_ends_the_start(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "x.bpmn"
    if content:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"x\.bpmn"):
        run(EngineConfig(grpc_port=0), [file])


async def test_a_database_in_use_is_said(tmp_path: Path) -> None:
    db_path = tmp_path / "engine.db"
    with engine_process(db_path), pytest.raises(ConfigError, match="in use by another engine"):
        await EmbeddedEngine(EngineConfig(grpc_port=0, db_path=db_path)).start()


@pytest.mark.parametrize("content", [b"not a database, by far not a database" * 100, None], ids=["garbage", "folder"])
async def test_a_file_that_is_no_database_is_said(tmp_path: Path, content: bytes | None) -> None:
    db_path = tmp_path / "engine.db"
    if content:
        db_path.write_bytes(content)
    else:
        db_path.mkdir()
    with pytest.raises(ConfigError, match=r"engine\.db"):
        await EmbeddedEngine(EngineConfig(grpc_port=0, db_path=db_path)).start()


def test_a_thread_owns_an_engine(tmp_path: Path) -> None:
    engine = EngineThread(EngineConfig(grpc_port=0, db_path=tmp_path / "engine.db"))
    engine.start()
    try:
        (process,) = engine.deploy("p.bpmn", one_task()).result(PATIENCE_SECONDS)
        assert process.process_id == "p"
        key = engine.create_instance("p", {"x": 1}).result(PATIENCE_SECONDS)
        view = engine.view().result(PATIENCE_SECONDS)
        assert [(i.key, i.elements, i.variables) for i in view.instances] == [(key, ("task",), '{"x":1}')]
        with pytest.raises(Rejection) as refused:
            engine.resolve_incident(1).result(PATIENCE_SECONDS)
        assert refused.value.reason is Reason.NOT_FOUND
        with pytest.raises(ConfigError):
            EngineThread(EngineConfig(grpc_port=int(engine.grpc_address.rpartition(":")[2]))).start()
    finally:
        engine.stop()
        engine.stop()


async def test_a_thread_answers_any_loop() -> None:
    engine = EngineThread(EngineConfig(grpc_port=0))
    await asyncio.to_thread(engine.start)
    try:
        await engine.deploy("p.bpmn", one_task())
        key = await engine.create_instance("p")
        async with connected(engine.grpc_address) as gateway:
            (job,) = await gateway.activate(requestTimeout=5_000)
            assert job.processInstanceKey == key
        await engine.publish_message("nobody", "1", {"a": 1}, time_to_live_seconds=1)
        await engine.cancel_instance(key)
        view: Any = await engine.view(10)
        assert (view.instances[0].state, view.terminated_instances) == ("terminated", 1)
    finally:
        await asyncio.to_thread(engine.stop)
