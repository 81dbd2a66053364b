"""Bad input, and whether the text that comes back helps."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import grpc
import pytest
from pyzeebe.errors import ProcessInvalidError
from pyzeebe.proto import gateway_pb2 as pb

from tests.e2e.bpmn import REST, Model
from tests.e2e.client import Client
from tests.e2e.processes import Engine, until
from tests.e2e.target import Target

STRANGE = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="http://example.org">
  <bpmn:process id="strange" isExecutable="true">
    <bpmn:startEvent id="start"/><bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="{target}"/>{element}
  </bpmn:process>
</bpmn:definitions>"""


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"this is no XML", ["bad.bpmn"]),
        (b"<bpmn:definitions xmlns:bpmn='http://www.omg.org/spec/BPMN/20100524/MODEL'><bpmn:process", ["bad.bpmn"]),
        (b"<html/>", ["bad.bpmn"]),
        (STRANGE.format(target="nowhere", element="").encode(), ["f1", "line 4"]),
        (
            STRANGE.format(target="pick", element='<bpmn:complexGateway id="pick"/>').encode(),
            ["pick", "complexGateway"],
        ),
        (STRANGE.format(target="do", element='<bpmn:serviceTask id="do"/>').encode(), ["do"]),
        (
            b"<!DOCTYPE d [<!ENTITY a 'x'><!ENTITY b '&a;&a;&a;&a;'>]>"
            + STRANGE.format(target="do", element="&b;").encode().partition(b"?>")[2],
            ["bad.bpmn"],
        ),
    ],
    ids=[
        "no XML",
        "cut off",
        "another language",
        "flow to nowhere",
        "unknown element",
        "task without type",
        "entities",
    ],
)
async def test_a_model_that_cannot_run_is_refused_at_deployment(
    client: Client, tmp_path: Path, content: bytes, named: list[str]
) -> None:
    file = tmp_path / "bad.bpmn"
    file.write_bytes(content)

    with pytest.raises(ProcessInvalidError):
        await client.pyzeebe.deploy_resource(file)

    request = pb.DeployResourceRequest(resources=[pb.Resource(name="bad.bpmn", content=content)])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.stub.DeployResource(request)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    for text in named:
        assert text in (caught.value.details() or "")


async def test_an_expression_that_cannot_be_read_is_refused_at_deployment(client: Client) -> None:
    model = Model("bad-feel").task("call", REST, inputs={"url": "=1 +"}).from_start_to_end("call")

    request = pb.DeployResourceRequest(resources=[pb.Resource(name="bad-feel.bpmn", content=model.xml.encode())])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.stub.DeployResource(request)

    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "call" in (caught.value.details() or "")
    assert "1 +" in (caught.value.details() or "")


@pytest.mark.parametrize("variables", ["[1, 2]", '"text"', "7", "null", "{", "{'a': 1}"])
async def test_variables_that_are_no_object_are_refused(client: Client, variables: str) -> None:
    await client.deploy(Model("objects-only").start().end().flow("start", "end"))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.stub.CreateProcessInstance(
            pb.CreateProcessInstanceRequest(bpmnProcessId="objects-only", version=-1, variables=variables)
        )

    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "variables" in (caught.value.details() or "").lower()


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("header", "value", "retries"),
    [("resultExpression", "={answer: ", 2), ("errorExpression", "=if true then", 2), ("retryBackoff", "soon", 1)],
)
async def test_a_bad_header_makes_an_incident_that_shows_it(
    client: Client, engine: Engine, target: Target, header: str, value: str, retries: int
) -> None:
    # Given a task header that cannot be read
    process_id = f"bad-{header}"
    model = Model(process_id).rest_task("call", f"{target.url}/ok", headers={header: value}, retries=2)
    await client.deploy(model.from_start_to_end("call"))

    await client.start(process_id, id=process_id)

    # Then the job ends as an incident that shows it; a bad expression keeps the retries that the task has
    incident = await asyncio.to_thread(until, lambda: engine.incident(process_id), "the incident")
    assert value.strip("=").strip() in incident.message
    assert len(target.calls(process_id)) == (0 if header == "retryBackoff" else retries)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"url": "ftp://example.org/"}, "http(s) URL"),
        ({"url": ""}, "url"),
        ({"method": "FETCH"}, "method"),
        ({"authentication.type": "magic"}, "authentication"),
    ],
    ids=["scheme", "no URL", "method", "authentication"],
)
async def test_bad_input_makes_an_incident_at_once(
    client: Client, engine: Engine, target: Target, inputs: Mapping[str, str], named: str
) -> None:
    process_id = f"bad-input-{named}"
    model = Model(process_id).rest_task("call", f"{target.url}/ok", inputs=inputs, retries=3)
    await client.deploy(model.from_start_to_end("call"))

    await client.start(process_id, id=process_id)

    incident = await asyncio.to_thread(until, lambda: engine.incident(process_id), "the incident")
    assert named in incident.message
    assert not target.calls(process_id)


async def test_a_job_of_an_unknown_type_waits_for_its_worker(client: Client) -> None:
    # Given an instance whose job type no worker knows
    await client.deploy(Model("waits").task("wait", "nobody:serves:1").from_start_to_end("wait"))
    key = await client.start("waits")

    # When a worker for it comes, then the job is there with its retries
    request = pb.ActivateJobsRequest(type="nobody:serves:1", worker="w", timeout=60_000, maxJobsToActivate=1)
    jobs = [job async for batch in client.stub.ActivateJobs(request) for job in batch.jobs]
    assert [(job.processInstanceKey, job.retries) for job in jobs] == [(key, 3)]
