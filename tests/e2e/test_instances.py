"""Process instances that the REST connector serves, watched by an independent client."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from pyzeebe import ZeebeWorker
from pyzeebe.errors import ProcessDefinitionNotFoundError, ProcessInstanceNotFoundError
from pyzeebe.proto import gateway_pb2 as pb

from tests.e2e.bpmn import REST, Model
from tests.e2e.client import Client, connect
from tests.e2e.processes import Engine, Worker, until
from tests.e2e.target import Target

pytestmark = pytest.mark.usefixtures("worker")


async def test_a_deployed_process_runs_with_its_result(client: Client, target: Target) -> None:
    # Given a task that posts a body and maps the response
    model = Model("with-result").rest_task(
        "call",
        f"{target.url}/ok?page=2",
        method="POST",
        inputs={"body": "={order: id, lines: [1, 2]}"},
        headers={"resultVariable": "whole", "resultExpression": "={answer: body.answer, first: body.echo.lines[1]}"},
    )
    await client.deploy(model.from_start_to_end("call"))

    # When an instance runs
    variables = await client.run("with-result", id="o-1")

    # Then the target saw exactly one call, and the mapped variables are those of its answer
    [call] = target.calls("o-1")
    assert (call.method, call.path) == ("POST", "/ok?page=2")
    assert json.loads(call.body) == {"order": "o-1", "lines": [1, 2]}
    assert (variables["answer"], variables["first"]) == (42, 1)
    assert variables["whole"]["status"] == 200
    assert variables["whole"]["body"]["echo"]["order"] == "o-1"


async def test_numbers_stay_exact(client: Client, target: Target) -> None:
    # Given amounts that a float cannot hold
    model = Model("exact").rest_task(
        "call",
        f"{target.url}/ok",
        method="POST",
        inputs={"body": "={amount: amount, id: number}"},
        headers={"resultExpression": "={back: body.echo.amount, number: body.echo.id}"},
    )
    await client.deploy(model.from_start_to_end("call"))

    # When they go to the target and come back
    text = await client.run_for_text(
        "exact", '{"id": "x-1", "amount": 0.1234567890123456789, "number": 9007199254740993}'
    )

    # Then neither the target nor the process saw others
    [call] = target.calls("x-1")
    assert b"0.1234567890123456789" in call.body
    assert b"9007199254740993" in call.body
    assert json.loads(text, parse_float=str)["back"] == "0.1234567890123456789"
    assert json.loads(text)["number"] == 9007199254740993


async def test_many_instances_at_once(client: Client, target: Target) -> None:
    await client.deploy(Model("many").rest_task("call", f"{target.url}/slow/0.2").from_start_to_end("call"))

    await asyncio.gather(*(client.run("many", id=f"m-{i}") for i in range(100)))

    assert {instance: len(calls) for instance, calls in target.all_calls().items()} == {f"m-{i}": 1 for i in range(100)}


async def test_a_cancelled_instance_leaves_the_worker_in_order(client: Client, target: Target, worker: Worker) -> None:
    # Given a call that is still under way
    await client.deploy(
        Model("cancelled").rest_task("call", f"{target.url}/held").from_start_to_end("call"),
        Model("after-it").rest_task("call", f"{target.url}/ok").from_start_to_end("call"),
    )
    key = await client.start("cancelled", id="c-1")
    await asyncio.to_thread(until, lambda: target.calls("c-1"), "the call to arrive")

    # When the instance is cancelled and the call ends afterwards
    await client.pyzeebe.cancel_process_instance(key)
    with pytest.raises(ProcessInstanceNotFoundError):
        await client.pyzeebe.cancel_process_instance(key)
    target.release()

    # Then the job is not run again, and the worker goes on
    await client.run("after-it", id="c-2")
    await asyncio.to_thread(
        until, lambda: worker.metric("coupler_jobs_finished_total", outcome="abandoned"), "the job to be abandoned"
    )
    assert len(target.calls("c-1")) == 1


async def test_a_message_starts_an_instance(client: Client, target: Target) -> None:
    model = Model("by-message").start(message="order placed").end().rest_task("call", f"{target.url}/ok")
    await client.deploy(model.flow("start", "call", "end"))

    await client.pyzeebe.publish_message("order placed", "", variables={"id": "msg-1"})

    await asyncio.to_thread(until, lambda: target.calls("msg-1"), "the call of the started instance")


async def test_a_message_continues_an_instance(client: Client, target: Target) -> None:
    # Given an instance that waits for a message about its own id
    model = Model("continued").start().end().message_catch("paid", "payment received", "=id")
    model.rest_task("call", f"{target.url}/ok").flow("start", "paid", "call", "end")
    await client.deploy(model)
    running = asyncio.ensure_future(client.run("continued", id="pay-1"))

    # When messages for it and for another one are published
    await client.pyzeebe.publish_message("payment received", "pay-2", variables={"amount": 1})
    await client.pyzeebe.publish_message("payment received", "pay-1", variables={"amount": 7})

    # Then it goes on with its own
    assert (await running)["amount"] == 7
    assert not target.calls("pay-2")


async def test_an_error_is_caught_by_a_boundary_event(client: Client, target: Target) -> None:
    # Given a model that turns 404 into a BPMN error with variables
    variables_of_it = "{code: error.variables.response.body.code}"
    expression = f'=if error.code = "404" then bpmnError("NOT_THERE", error.message, {variables_of_it}) else null'
    model = Model("caught").rest_task("call", f"{target.url}/status/404", headers={"errorExpression": expression})
    model.from_start_to_end("call").error_boundary("missing", "call", "NOT_THERE").end("not-there")
    await client.deploy(model.flow("missing", "not-there"))

    # When the target answers 404
    variables = await client.run("caught", id="e-1")

    # Then the boundary event catches it at the first attempt, with what the target said
    assert variables["code"] == "E404"
    assert len(target.calls("e-1")) == 1


async def test_a_failing_call_is_tried_again_after_its_backoff(client: Client, target: Target) -> None:
    # Given a target that fails twice
    headers = {"retryBackoff": "PT0.7S", "resultExpression": "={answer: body.answer}"}
    model = Model("retried").rest_task("call", f"{target.url}/fails/2/503", headers=headers, retries=3)
    await client.deploy(model.from_start_to_end("call"))

    # When an instance runs
    variables = await client.run("retried", id="r-1")

    # Then the third attempt succeeds, none earlier than its backoff
    first, second, third = target.calls("r-1")
    assert variables["answer"] == 42
    assert second.at - first.at >= 0.65
    assert third.at - second.at >= 0.65


async def test_a_job_error_chooses_its_own_retries(client: Client, target: Target) -> None:
    # Given an error expression that gives the job two more attempts, whatever the task says
    again = 'jobError("busy", {}, job.retries - 1, duration("PT0.1S"))'
    expression = f'=if error.code = "503" and job.retries > 1 then {again} else null'
    model = Model("job-error").rest_task(
        "call", f"{target.url}/fails/2/503", headers={"errorExpression": expression}, retries=3
    )
    await client.deploy(model.from_start_to_end("call"))

    await client.run("job-error", id="j-1")

    assert len(target.calls("j-1")) == 3


async def test_an_incident_is_resolved(client: Client, target: Target, worker: Worker, engine: Engine) -> None:
    # Given a job that failed with its last retry
    model = Model("incident").rest_task("call", f"{target.url}/fails/1/500", retries=1)
    await client.deploy(model.from_start_to_end("call"))
    running = asyncio.ensure_future(client.run("incident", id="i-1"))
    incident = await asyncio.to_thread(until, lambda: engine.incident("incident"), "the incident")
    assert incident.kind == "JOB_NO_RETRIES"
    assert "Internal Server Error" in incident.message
    assert not running.done()

    # When it gets a retry, and the incident is resolved
    await client.stub.UpdateJobRetries(pb.UpdateJobRetriesRequest(jobKey=incident.job_key, retries=1))
    await client.stub.ResolveIncident(pb.ResolveIncidentRequest(incidentKey=incident.key))

    # Then the instance ends
    await running
    assert len(target.calls("i-1")) == 2
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.stub.ResolveIncident(pb.ResolveIncidentRequest(incidentKey=incident.key))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


async def test_a_secret_reaches_the_target_and_nobody_else(client: Client, target: Target, worker: Worker) -> None:
    # Given a task with a secret in a header, and an answer that is an error
    inputs = {"headers": '={"X-Instance": id, "X-Token": "Bearer {{secrets.TOKEN}}"}'}
    model = Model("secret").rest_task("call", f"{target.url}/ok", inputs=inputs)
    await client.deploy(model.from_start_to_end("call"))

    variables = await client.run("secret", id="s-1")

    [call] = target.calls("s-1")
    assert call.headers["X-Token"] == "Bearer hunter2-4711"
    assert "hunter2" not in json.dumps(variables)
    assert "hunter2" not in worker.log()


async def test_a_missing_secret_makes_an_incident_that_names_it(client: Client, target: Target, engine: Engine) -> None:
    inputs = {"headers": '={"X-Instance": id, "X-Token": "{{secrets.NOT_THERE}}"}'}
    model = Model("no-secret").rest_task("call", f"{target.url}/ok", inputs=inputs)
    await client.deploy(model.from_start_to_end("call"))

    await client.start("no-secret", id="s-2")

    incident = await asyncio.to_thread(until, lambda: engine.incident("no-secret"), "the incident")
    assert "NOT_THERE" in incident.message
    assert not target.calls("s-2")


@pytest.mark.parametrize("stream", [False, True])
async def test_another_worker_takes_jobs_by_poll_and_by_stream(client: Client, target: Target, *, stream: bool) -> None:
    # Given pyzeebe as the worker of a type of its own
    process_id = f"other-worker-{stream}"
    await client.deploy(Model(process_id).task("double", process_id, headers={"by": "2"}).from_start_to_end("double"))
    other: Any = ZeebeWorker(client.channel, name="other", stream_enabled=stream, request_timeout=1000)

    async def double(number: int) -> dict[str, int]:
        return {"number": number * 2}

    other.task(process_id, timeout_ms=60_000)(double)
    working = asyncio.ensure_future(other.work())
    try:
        # When instances are started, then all their jobs are done by it
        answers = await asyncio.gather(*(client.run(process_id, number=i) for i in range(20)))
        assert [answer["number"] for answer in answers] == [i * 2 for i in range(20)]
    finally:
        await other.stop()
        await working


@pytest.mark.parametrize("only", ["STREAM", "POLL"])
async def test_our_worker_takes_jobs_by_stream_alone_and_by_poll_alone(
    tmp_path: Path, target: Target, only: str
) -> None:
    other = {"STREAM": "POLL", "POLL": "STREAM"}[only]
    with (
        Engine(tmp_path) as engine,
        Worker(tmp_path, engine.address, env={f"COUPLER_WORKER__{other}_ENABLED": "false"}),
    ):
        async with connect(engine.address, tmp_path) as own:
            await own.deploy(Model("one-way").rest_task("call", f"{target.url}/ok").from_start_to_end("call"))

            await asyncio.gather(*(own.run("one-way", id=f"w-{i}") for i in range(300)))

    assert {len(calls) for calls in target.all_calls().values()} == {1}


async def test_an_unknown_process_is_not_found(client: Client) -> None:
    with pytest.raises(ProcessDefinitionNotFoundError):
        await client.pyzeebe.run_process("nobody-deployed-this")


async def test_the_worker_counts_its_jobs(client: Client, target: Target, worker: Worker) -> None:
    await client.deploy(Model("counted").rest_task("call", f"{target.url}/ok").from_start_to_end("call"))
    before = worker.metric("coupler_jobs_finished_total", job_type=REST, outcome="completed")

    await asyncio.gather(*(client.run("counted", id=f"n-{i}") for i in range(5)))

    def counted() -> bool:
        return worker.metric("coupler_jobs_finished_total", job_type=REST, outcome="completed") == before + 5

    await asyncio.to_thread(until, counted, "five jobs more")
    assert worker.metric("coupler_jobs_activated_total", job_type=REST) >= before + 5
