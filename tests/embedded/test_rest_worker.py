"""A worker that speaks REST with the engine: as processes, from start to end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.bpmn import Model
from tests.e2e.processes import Engine, Process, Worker
from tests.e2e.target import Target
from tests.embedded.bpmn import one_task
from tests.embedded.rest import PATIENCE_SECONDS

SECRET_HEADERS = '={"X-Instance": id, "X-Named": "{{secrets.TOKEN}}", "X-Smuggled": variable}'


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """``coupler engine`` with a database."""
    with Engine(tmp_path_factory.mktemp("engine")) as found:
        yield found


@pytest.fixture(scope="module", params=["REST alone", "REST and streams over gRPC"])
def worker(
    request: pytest.FixtureRequest, engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worker]:
    """``coupler run`` that prefers REST."""
    env = {
        "COUPLER_GATEWAY__PREFER_REST": "true",
        "COUPLER_GATEWAY__REST_ADDRESS": f"http://127.0.0.1:{engine.rest_port}",
        "SECRET_TOKEN": "hunter2-4711",
        "SECRET_OTHER": "hunter2-4712",
    }
    if request.param == "REST alone":
        env["COUPLER_GATEWAY__GRPC_ADDRESS"] = ""
    # Its jobs wait until it is there; it calls itself ready only when its first poll has come back.
    directory = tmp_path_factory.mktemp("worker")
    with Worker(directory, engine.address, env=env, wait_until_ready=False) as found:
        yield found


@pytest.fixture
async def client(engine: Engine) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the REST API."""
    base = f"http://127.0.0.1:{engine.rest_port}/v2"
    async with httpx.AsyncClient(base_url=base, timeout=PATIENCE_SECONDS, trust_env=False) as found:
        yield found


@pytest.fixture
def target() -> Iterator[Target]:
    """The other system."""
    with Target() as found:
        yield found


async def deploy(client: httpx.AsyncClient, model: Model) -> None:
    answer = await client.post("/deployments", files={"resources": (f"{model.process_id}.bpmn", model.xml.encode())})
    assert answer.status_code == 200, answer.text


async def run(client: httpx.AsyncClient, process_id: str, **variables: Any) -> dict[str, Any]:
    """Starts an instance and waits for its variables."""
    wish = {
        "processDefinitionId": process_id,
        "variables": variables,
        "awaitCompletion": True,
        "requestTimeout": 20_000,
    }
    answer = await client.post("/process-instances", json=wish)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["variables"]
    return found


@pytest.mark.usefixtures("worker")
async def test_jobs_run_over_rest(client: httpx.AsyncClient, target: Target) -> None:
    model = Model("rest-basic").rest_task(
        "call",
        f"{target.url}/ok",
        method="POST",
        inputs={"body": "={id: id}"},
        headers={"resultExpression": "={answer: body.answer}"},
    )
    await deploy(client, model.from_start_to_end("call"))
    names = [f"i-{number}" for number in range(100)]
    results = await asyncio.gather(*(run(client, "rest-basic", id=name) for name in names))
    assert [result["answer"] for result in results] == [42] * 100
    assert [len(target.calls(name)) for name in names] == [1] * 100


@pytest.mark.usefixtures("worker")
async def test_failures_retries_and_incidents_over_rest(client: httpx.AsyncClient, target: Target) -> None:
    broken = Model("rest-broken").rest_task(
        "call", f"{target.url}/status/500", headers={"retryBackoff": "PT0S"}, retries=2
    )
    await deploy(client, broken.from_start_to_end("call"))
    await client.post("/process-instances", json={"processDefinitionId": "rest-broken", "variables": {"id": "b"}})
    wish = {"filter": {"processDefinitionId": "rest-broken"}}
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (found := (await client.post("/incidents/search", json=wish)).json()["items"]):
            await asyncio.sleep(0.05)
    assert (found[0]["errorType"], "500" in found[0]["errorMessage"]) == ("JOB_NO_RETRIES", True)
    assert len(target.calls("b")) == 2
    await client.post(f"/process-instances/{found[0]['processInstanceKey']}/cancellation")


@pytest.mark.usefixtures("worker")
async def test_secrets_are_those_that_the_process_names(client: httpx.AsyncClient, target: Target) -> None:
    # Given an element that names one secret, and a variable that names another: only the XML tells them apart
    model = Model("rest-secret").rest_task("call", f"{target.url}/ok", inputs={"headers": SECRET_HEADERS})
    await deploy(client, model.from_start_to_end("call"))
    await run(client, "rest-secret", id="s", variable="{{secrets.OTHER}}")
    headers = target.calls("s")[0].headers
    assert (headers["X-Named"], headers["X-Smuggled"]) == ("hunter2-4711", "{{secrets.OTHER}}")


@pytest.mark.usefixtures("worker")
async def test_a_response_becomes_a_document_of_the_engine(client: httpx.AsyncClient, target: Target) -> None:
    model = Model("rest-document").rest_task(
        "call",
        f"{target.url}/ok",
        inputs={"storeResponse": "=true"},
        headers={"resultExpression": "={stored: response.document}"},
    )
    await deploy(client, model.from_start_to_end("call"))
    reference = (await run(client, "rest-document", id="d"))["stored"]
    assert reference["camunda.document.type"] == "camunda"
    content = await client.get(f"/documents/{reference['documentId']}")
    assert content.json()["answer"] == 42


def documents_of(engine: Engine) -> list[Path]:
    return sorted((engine.directory / "engine.db-documents").glob("*.bin"))


async def test_documents_and_processes_outlive_the_engine(tmp_path: Path) -> None:
    # Given a document and a process in an engine with a database
    with Engine(tmp_path) as engine:
        base = f"http://127.0.0.1:{engine.rest_port}/v2"
        async with httpx.AsyncClient(base_url=base, timeout=PATIENCE_SECONDS, trust_env=False) as client:
            stored = await client.post("/documents", params={"documentId": "a"}, files={"file": ("a.txt", b"content")})
            assert stored.status_code == 201
            deployed = (await client.post("/deployments", files={"resources": ("p.bpmn", one_task())})).json()
        assert len(documents_of(engine)) == 1

        # When it is killed and started again
        engine.signal(signal.SIGKILL)
        engine.wait()
        engine.start()
        engine.wait_until_ready()

        # Then both are there
        async with httpx.AsyncClient(base_url=base, timeout=PATIENCE_SECONDS, trust_env=False) as client:
            assert (await client.get("/documents/a")).content == b"content"
            key = deployed["deployments"][0]["processDefinition"]["processDefinitionKey"]
            assert (await client.get(f"/process-definitions/{key}/xml")).content == one_task()
        assert engine.terminate() == 0
        assert "Traceback" not in engine.log()


def test_the_addresses_are_printed_and_sigterm_ends_both(tmp_path: Path) -> None:
    env = {"COUPLER_EMBEDDED__PORT": "0", "COUPLER_EMBEDDED__REST_PORT": "0"}
    with Process("any-port", ["engine"], directory=tmp_path, env=env) as process:
        address = process.wait_for_line(r"REST on (http://127\.0\.0\.1:\d+)")[1]
        assert httpx.get(f"{address}/v2/topology", trust_env=False).status_code == 200
        with httpx.Client(base_url=address, trust_env=False) as client:
            assert client.post("/v2/documents", files={"file": ("a", b"x")}).status_code == 201
        assert process.terminate() == 0
        assert "Traceback" not in process.log()


def test_a_rest_port_that_is_taken_is_named(tmp_path: Path, engine: Engine) -> None:
    env = {"COUPLER_EMBEDDED__PORT": "0", "COUPLER_EMBEDDED__REST_PORT": str(engine.rest_port)}
    with Process("taken", ["engine"], directory=tmp_path, env=env) as process:
        assert process.wait() != 0
        assert f"REST API cannot listen on 127.0.0.1:{engine.rest_port}" in process.log()
        assert "Traceback" not in process.log()


def test_dev_has_documents_and_the_xml(tmp_path: Path, target: Target) -> None:
    # Given a session with a process that stores what it fetches, and uses a secret
    model = Model("dev-document").rest_task(
        "call",
        f"{target.url}/ok",
        inputs={"storeResponse": "=true", "headers": SECRET_HEADERS},
        headers={"resultExpression": "={stored: response.document}"},
    )
    (tmp_path / "p.bpmn").write_text(model.from_start_to_end("call").xml)
    env = {"SECRET_TOKEN": "t-1", "SECRET_OTHER": "t-2", "COUPLER_ADMIN__PORT": "0"}
    with Process("dev", ["dev", "--rest-port", "0", "--grpc-port", "0", "p.bpmn"], directory=tmp_path, env=env) as dev:
        address = dev.wait_for_line(r"REST API (http\S+)")[1]
        dev.wait_for_line("Deployed dev-document")

        # When an instance runs
        with httpx.Client(base_url=f"{address}/v2", timeout=PATIENCE_SECONDS, trust_env=False) as client:
            wish: dict[str, Any] = {"processDefinitionId": "dev-document", "awaitCompletion": True}
            wish["variables"] = {"id": "v", "variable": "{{secrets.OTHER}}"}
            answer = client.post("/process-instances", json=wish)
            assert answer.status_code == 200, answer.text

            # Then the document is there for as long as the session
            reference = answer.json()["variables"]["stored"]
            assert client.get(f"/documents/{reference['documentId']}").json()["answer"] == 42
        headers = target.calls("v")[0].headers
        assert (headers["X-Named"], headers["X-Smuggled"]) == ("t-1", "{{secrets.OTHER}}")
        assert dev.terminate() == 0
        assert "Traceback" not in dev.log()
