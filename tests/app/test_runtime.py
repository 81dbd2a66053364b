from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from coupler.app import Runtime
from coupler.dev.engine_view import EmbeddedView
from coupler.dev.sample_target import SampleTarget
from coupler.embedded import EngineConfig, EngineThread
from coupler.errors import ConfigError
from coupler.registry import Registry
from coupler.settings import Sources, load
from tests.e2e.bpmn import Model


@pytest.fixture
def engine() -> Iterator[EngineThread]:
    engine = EngineThread(EngineConfig(grpc_port=0, rest_port=0))
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture
def target() -> Iterator[SampleTarget]:
    with SampleTarget() as target:
        yield target


def runtime(folder: Path, address: str, engine: EngineThread | None = None, **environ: str) -> Runtime:
    settings = {"COUPLER_GATEWAY__GRPC_ADDRESS": f"http://{address}", "COUPLER_ADMIN__PORT": "0"}
    loaded = load(Sources(environ={**settings, **environ}, folder=folder))
    return Runtime(loaded, engine=EmbeddedView(engine) if engine else None)


@asynccontextmanager
async def started(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    """A started runtime and a client of its admin server."""
    await runtime.start()
    assert runtime.admin_address is not None
    async with httpx.AsyncClient(base_url=runtime.admin_address, trust_env=False) as client:
        try:
            yield client
        finally:
            await runtime.stop()


async def until_status(client: httpx.AsyncClient, path: str, status: int) -> httpx.Response:
    async with asyncio.timeout(60):
        while True:
            answer = await client.get(path)
            if answer.status_code == status:
                return answer
            await asyncio.sleep(0.02)


async def test_a_job_runs_and_is_seen_everywhere(engine: EngineThread, target: SampleTarget, tmp_path: Path) -> None:
    # Given a runtime that is ready
    model = Model("watched").rest_task("call", f"{target.address}/weather").from_start_to_end("call")
    await engine.deploy("watched.bpmn", model.xml.encode())
    async with started(runtime(tmp_path, engine.grpc_address, engine)) as admin:
        await until_status(admin, "/health/ready", 200)

        # When an instance has run
        key = await engine.create_instance("watched", {"id": "1"})
        async with asyncio.timeout(60):
            while not (recent := (await admin.get("/api/jobs/recent")).json()):
                await asyncio.sleep(0.02)

        # Then the API and the metrics say so
        assert [(job["process_id"], job["outcome"], job["process_instance_key"]) for job in recent] == [
            ("watched", "completed", str(key))
        ]
        assert (await admin.get("/api/info")).json()["gateway_reachable"] is True
        assert [each["key"] for each in (await admin.get("/api/instances")).json()] == [str(key)]
        metrics = (await admin.get("/metrics")).text
        assert 'coupler_jobs_finished_total{connector="HTTP REST",' in metrics
        assert "coupler_ready 1.0" in metrics
        assert "_created" not in metrics


async def test_without_a_gateway_it_is_alive_and_not_ready(tmp_path: Path) -> None:
    async with started(runtime(tmp_path, "127.0.0.1:1")) as admin:
        answer = await until_status(admin, "/health/ready", 503)
        async with asyncio.timeout(60):
            while "cannot be reached" not in answer.text or "not asked" in answer.text:
                await asyncio.sleep(0.02)
                answer = await admin.get("/health/ready")

        assert answer.json()["reasons"][0].startswith("The gateway http://127.0.0.1:1 cannot be reached: ")
        assert (await admin.get("/health/live")).status_code == 200
        assert (await admin.get("/health/startup")).status_code == 200


async def test_without_an_admin_server_nothing_listens(engine: EngineThread, tmp_path: Path) -> None:
    alone = runtime(tmp_path, engine.grpc_address, COUPLER_ADMIN__ENABLED="false")
    await alone.start()

    assert alone.admin_address is None
    await alone.stop()


async def test_a_connector_that_cannot_open_stops_the_start(
    engine: EngineThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(self: Registry, resources: object) -> None:
        raise ConfigError("no route")

    monkeypatch.setattr(Registry, "open_all", refuse)
    broken = runtime(tmp_path, engine.grpc_address)

    with pytest.raises(ConfigError, match="no route"):
        await broken.start()
    await broken.stop()


async def test_a_disabled_connector_is_listed_and_not_served(tmp_path: Path) -> None:
    settings = {"COUPLER_CONNECTORS__REST__ENABLED": "false", "COUPLER_ADMIN__ENABLED": "false"}
    without = runtime(tmp_path, "127.0.0.1:1", None, **settings)
    await without.start()

    assert [each.enabled for each in without.connectors() if each.plugin == "rest"] == [False]
    assert "io.camunda:http-json:1" not in [status.job_type for status in without.subscriptions()]
    await without.stop()


ORDER = """
import asyncio, json, sys
from pathlib import Path
from coupler.app import Runtime
from coupler.settings import Sources, load
from coupler.worker.worker import Worker

seen = {}
start = Worker.start

async def watched(self):
    await start(self)
    seen["at subscriptions"] = sorted(sys.modules)

Worker.start = watched

async def main():
    environ = {"COUPLER_ADMIN__PORT": "0", "COUPLER_GATEWAY__GRPC_ADDRESS": "http://127.0.0.1:1"}
    runtime = Runtime(load(Sources(environ=environ, folder=Path(sys.argv[1]))))
    await runtime.start()
    seen["after the start"] = sorted(sys.modules)
    await runtime.stop()

asyncio.run(main())
print(json.dumps(seen))
"""


def test_the_subscriptions_are_open_before_the_admin_application_is_imported(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", ORDER, str(tmp_path)], capture_output=True, timeout=120, check=True)

    seen = json.loads(done.stdout)
    late = {"fastapi", "uvicorn", "starlette", "coupler.admin.application"}
    never = {"aiohttp", "httpx", "sqlite3", "coupler.embedded", "rich"}
    assert set(seen["at subscriptions"]) & (late | never) == set()
    assert late <= set(seen["after the start"])
    assert set(seen["after the start"]) & never == set()


SIGNALS = """
import asyncio
from coupler.app import own_signals

async def main():
    stop = asyncio.Event()
    own_signals(stop)
    print("ready", flush=True)
    await stop.wait()
    print("draining", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_does_not_wait(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", SIGNALS], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            assert process.stdout.readline() == "draining\n"
            process.send_signal(number)
            assert process.wait(60) == 128 + number
        finally:
            process.kill()
