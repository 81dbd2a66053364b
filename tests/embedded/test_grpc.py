"""Statuses, refusals and health over real gRPC."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from coupler.embedded import EmbeddedEngine, EngineConfig
from coupler.errors import ConfigError
from coupler.gateway.proto import gateway_pb2 as pb
from tests.embedded.bpmn import model, one_task, start, task
from tests.embedded.served import Served, lease_seconds_left, served


@pytest.fixture
async def gateway() -> AsyncIterator[Served]:
    """An engine with one process deployed."""
    async with served() as found:
        await found.engine.deploy("p.bpmn", one_task())
        yield found


def deployment(name: str = "x.bpmn", content: bytes = b"") -> pb.DeployResourceRequest:
    """A deployment of one resource."""
    return pb.DeployResourceRequest(resources=[pb.Resource(name=name, content=content)])


Status = grpc.StatusCode
REFUSED: dict[str, tuple[str, Any, grpc.StatusCode, str]] = {
    "complete": ("CompleteJob", pb.CompleteJobRequest(jobKey=1), Status.NOT_FOUND, "complete job with key '1'"),
    "fail": ("FailJob", pb.FailJobRequest(jobKey=1), Status.NOT_FOUND, "fail job with key '1'"),
    "throw": ("ThrowError", pb.ThrowErrorRequest(jobKey=1), Status.NOT_FOUND, "job with key '1'"),
    "retries": ("UpdateJobRetries", pb.UpdateJobRetriesRequest(jobKey=1, retries=1), Status.NOT_FOUND, "key '1'"),
    "no retries": ("UpdateJobRetries", pb.UpdateJobRetriesRequest(jobKey=1), Status.INVALID_ARGUMENT, "positive"),
    "timeout": ("UpdateJobTimeout", pb.UpdateJobTimeoutRequest(jobKey=1), Status.NOT_FOUND, "key '1'"),
    "cancel": ("CancelProcessInstance", pb.CancelProcessInstanceRequest(), Status.NOT_FOUND, "no such process"),
    "resolve": ("ResolveIncident", pb.ResolveIncidentRequest(incidentKey=1), Status.NOT_FOUND, "key '1'"),
    "set": ("SetVariables", pb.SetVariablesRequest(elementInstanceKey=1), Status.NOT_FOUND, "key '1'"),
    "create": ("CreateProcessInstance", pb.CreateProcessInstanceRequest(bpmnProcessId="x"), Status.NOT_FOUND, "'x'"),
    "create by key": (
        "CreateProcessInstance", pb.CreateProcessInstanceRequest(processDefinitionKey=1), Status.NOT_FOUND, "key '1'",
    ),
    "create version": (
        "CreateProcessInstance", pb.CreateProcessInstanceRequest(bpmnProcessId="p", version=2), Status.NOT_FOUND,
        "version '2'",
    ),
    "create what": ("CreateProcessInstance", pb.CreateProcessInstanceRequest(), Status.INVALID_ARGUMENT, "none given"),
    "create inside": (
        "CreateProcessInstance",
        pb.CreateProcessInstanceRequest(
            bpmnProcessId="p", startInstructions=[pb.ProcessInstanceCreationStartInstruction(elementId="task")]
        ),
        Status.UNIMPLEMENTED, "start event only",
    ),
    "bad variables": (
        "CreateProcessInstance", pb.CreateProcessInstanceRequest(bpmnProcessId="p", variables="[1]"),
        Status.INVALID_ARGUMENT, "root level object, but was 'ARRAY'",
    ),
    "tenant": (
        "CreateProcessInstance", pb.CreateProcessInstanceRequest(bpmnProcessId="p", tenantId="t"),
        Status.INVALID_ARGUMENT, "'t'",
    ),
    "deploy nothing": ("DeployResource", pb.DeployResourceRequest(), Status.INVALID_ARGUMENT, "at least one"),
    "deploy DMN": ("DeployResource", deployment("x.dmn"), Status.INVALID_ARGUMENT, "'x.dmn' cannot be deployed"),
    "deploy form": ("DeployResource", deployment("x.form"), Status.INVALID_ARGUMENT, "no decisions and no forms"),
    "deploy nonsense": ("DeployResource", deployment(content=b"?"), Status.INVALID_ARGUMENT, "not well-formed"),
    "message": ("PublishMessage", pb.PublishMessageRequest(), Status.INVALID_ARGUMENT, "name"),
    "decision": ("EvaluateDecision", pb.EvaluateDecisionRequest(), Status.UNIMPLEMENTED, "no decisions"),
    "signal": ("BroadcastSignal", pb.BroadcastSignalRequest(), Status.UNIMPLEMENTED, "no signals"),
    "unknown call": ("ModifyProcessInstance", pb.TopologyRequest(), Status.UNIMPLEMENTED, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_a_refusal_has_the_status_of_a_cluster(gateway: Served, case: str) -> None:
    method, request, status, said = REFUSED[case]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await gateway.call(method, request, pb.TopologyResponse)
    assert refused.value.code() is status
    assert said in (refused.value.details() or "")
    assert gateway.engine.view().active_instances == 0


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"type": ""}, "type to be present"),
        ({"type": "t", "timeout": 0}, "timeout to be greater than zero"),
        ({"type": "t", "maxJobsToActivate": 0}, "maxJobsToActivate to be greater"),
        ({"type": "t", "tenantIds": ["mine"]}, "'mine'"),
    ],
)
async def test_a_poll_that_makes_no_sense_is_refused(gateway: Served, fields: dict[str, Any], said: str) -> None:
    request = pb.ActivateJobsRequest(**{"timeout": 1, "maxJobsToActivate": 1, **fields})
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await gateway.streaming("ActivateJobs", request, pb.ActivateJobsResponse).read()
    assert refused.value.code() is Status.INVALID_ARGUMENT
    assert said in (refused.value.details() or "")


async def test_an_incident_is_resolved_over_grpc(gateway: Served) -> None:
    await gateway.engine.create_instance("p")
    (job,) = await gateway.activate()
    await gateway.call("FailJob", pb.FailJobRequest(jobKey=job.key, errorMessage="broken"), pb.FailJobResponse)
    (incident,) = gateway.engine.view().incidents
    assert (incident.type, incident.message, incident.job_key) == ("JOB_NO_RETRIES", "broken", job.key)
    retries = pb.UpdateJobRetriesRequest(jobKey=job.key, retries=4)
    await gateway.call("UpdateJobRetries", retries, pb.UpdateJobRetriesResponse)
    resolve = pb.ResolveIncidentRequest(incidentKey=incident.key)
    await gateway.call("ResolveIncident", resolve, pb.ResolveIncidentResponse)
    (again,) = await gateway.activate()
    assert (again.key, again.retries) == (job.key, 4)
    assert gateway.engine.view().incidents == ()


async def test_the_admin_resolves_and_gives_one_more_retry(gateway: Served) -> None:
    await gateway.engine.create_instance("p")
    (job,) = await gateway.activate()
    await gateway.call("FailJob", pb.FailJobRequest(jobKey=job.key), pb.FailJobResponse)
    await gateway.engine.resolve_incident(gateway.engine.view().incidents[0].key)
    (again,) = await gateway.activate()
    assert again.retries == 1


async def test_a_thrown_error_and_an_extended_lease(gateway: Served) -> None:
    await gateway.engine.create_instance("p")
    (job,) = await gateway.activate(timeout=20_000)
    extend = pb.UpdateJobTimeoutRequest(jobKey=job.key, timeout=60_000)
    await gateway.call("UpdateJobTimeout", extend, pb.UpdateJobTimeoutResponse)
    assert 40 < lease_seconds_left(gateway.engine, job.key) < 60.1
    assert await gateway.activate() == []
    await gateway.call("ThrowError", pb.ThrowErrorRequest(jobKey=job.key, errorCode="E"), pb.ThrowErrorResponse)
    assert gateway.engine.view().incidents[0].type == "UNHANDLED_ERROR_EVENT"


async def test_the_result_holds_only_what_was_asked_for(gateway: Served) -> None:
    await gateway.engine.deploy("q.bpmn", model(start(), flows="", process_id="q"))
    request = pb.CreateProcessInstanceWithResultRequest(
        request=pb.CreateProcessInstanceRequest(bpmnProcessId="q", variables='{"a":1.50,"b":2}'), fetchVariables=["a"]
    )
    answer = await gateway.call("CreateProcessInstanceWithResult", request, pb.CreateProcessInstanceWithResultResponse)
    assert (answer.variables, answer.bpmnProcessId, answer.version) == ('{"a":1.50}', "q", 1)


async def test_the_result_of_a_terminated_instance_is_a_refusal(gateway: Served) -> None:
    request = pb.CreateProcessInstanceWithResultRequest(request=pb.CreateProcessInstanceRequest(bpmnProcessId="p"))
    call = asyncio.create_task(
        gateway.call("CreateProcessInstanceWithResult", request, pb.CreateProcessInstanceWithResultResponse)
    )
    while not gateway.engine.view().instances:
        await asyncio.sleep(0.005)
    await gateway.engine.cancel_instance(gateway.engine.view().instances[0].key)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    assert refused.value.code() is Status.FAILED_PRECONDITION


async def test_headers_and_names_of_a_job(gateway: Served) -> None:
    content = model(start(), task("t", "other", headers={"a": "ü", "b": "{}"}), flows="start -> t", process_id="q")
    (process,) = await gateway.engine.deploy("q.bpmn", content)
    key = await gateway.engine.create_instance("q")
    (job,) = await gateway.activate("other")
    assert job.customHeaders == '{"a":"ü","b":"{}"}'
    assert (job.bpmnProcessId, job.processDefinitionVersion, job.tenantId) == ("q", 1, "<default>")
    assert (job.processDefinitionKey, job.processInstanceKey) == (process.key, key)


async def test_health_names_the_service(gateway: Served) -> None:
    stub: Any = health_pb2_grpc.HealthStub(gateway.channel)
    for service in ("", "gateway_protocol.Gateway"):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.Check(health_pb2.HealthCheckRequest(service="other"))
    assert refused.value.code() is Status.NOT_FOUND
    watch = stub.Watch(health_pb2.HealthCheckRequest(service="other" * 60))
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    watch.cancel()


async def test_a_port_that_is_taken_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        engine = EmbeddedEngine(EngineConfig(grpc_port=port))
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port}"):
            await engine.start()


async def test_two_engines_do_not_share_a_port(gateway: Served) -> None:
    port = int(gateway.engine.grpc_address.rpartition(":")[2])
    with pytest.raises(ConfigError):
        await EmbeddedEngine(EngineConfig(grpc_port=port)).start()
    assert gateway.engine.view().processes
