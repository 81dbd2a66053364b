"""The calls of the REST API: shapes, statuses, refusals."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from coupler.embedded import EmbeddedEngine, EngineConfig
from coupler.embedded.server.rest.listening import listen
from coupler.errors import ConfigError
from tests.embedded.bpmn import boundary, catch, end, error, message, model, one_task, start, task
from tests.embedded.rest import Rest, rest_served
from tests.embedded.served import lease_seconds_left


@pytest.fixture
async def rest() -> AsyncIterator[Rest]:
    """An engine with one process deployed."""
    async with rest_served() as found:
        await found.deploy(one_task())
        yield found


async def test_a_job_from_deployment_to_completion(rest: Rest) -> None:
    headers = {"a": "ü", "b": "{}"}
    definition = await rest.deploy(
        model(start(), task("t", "other", headers=headers), end(), flows="start -> t -> end", process_id="q"), "q.bpmn"
    )
    instance = await rest.start("q", x=1, list=[1, "ä"])

    (job,) = await rest.jobs("other", worker="me")
    assert (job["processInstanceKey"], job["processDefinitionKey"]) == (instance, definition)
    assert (job["processDefinitionId"], job["processDefinitionVersion"], job["elementId"]) == ("q", 1, "t")
    assert (job["customHeaders"], job["variables"]) == (headers, {"x": 1, "list": [1, "ä"]})
    assert (job["worker"], job["retries"], job["tenantId"], job["kind"]) == ("me", 3, "<default>", "BPMN_ELEMENT")
    assert all(isinstance(job[name], str) for name in job if name.endswith("Key") and job[name] is not None)
    assert await rest.jobs("other") == []

    await rest.post(f"/jobs/{job['jobKey']}/completion", {"variables": {"y": 2}, "result": None}, 204)
    found = await rest.get(f"/process-instances/{instance}")
    assert (found["state"], found["hasIncident"]) == ("COMPLETED", False)


async def test_numbers_stay_as_they_were_written(rest: Rest) -> None:
    text = '{"big":9007199254740993,"exact":1.50,"text":"\\u00e4\\n"}'
    body = f'{{"processDefinitionId":"p","variables":{text}}}'
    headers = {"content-type": "application/json"}
    assert (await rest.client.post("/process-instances", content=body, headers=headers)).status_code == 200
    answer = await rest.client.post("/jobs/activation", json={"type": "work", "timeout": 1, "maxJobsToActivate": 1})
    assert f'"variables":{text}' in answer.text


async def test_the_variables_that_are_asked_for(rest: Rest) -> None:
    await rest.start(a=1, b=2, c=3)
    (job,) = await rest.jobs(fetchVariable=["a", "c", "nowhere"], tenantIds=["<default>"], tenantFilter="PROVIDED")
    assert job["variables"] == {"a": 1, "c": 3}


async def test_a_failed_job_comes_again_and_then_not(rest: Rest) -> None:
    instance = await rest.start()
    job = await rest.job()
    failure = {"retries": 1, "errorMessage": "no", "retryBackOff": 0, "variables": {"seen": True}}
    await rest.post(f"/jobs/{job['jobKey']}/failure", failure, 204)
    again = await rest.job()
    assert (again["jobKey"], again["retries"], again["variables"]) == (job["jobKey"], 1, {"seen": True})

    await rest.post(f"/jobs/{job['jobKey']}/failure", {"errorMessage": "broken"}, 204)
    assert await rest.jobs() == []
    (incident,) = (await rest.post("/incidents/search"))["items"]
    assert (incident["errorType"], incident["errorMessage"]) == ("JOB_NO_RETRIES", "broken")
    assert (incident["jobKey"], incident["processInstanceKey"]) == (job["jobKey"], instance)
    assert (await rest.get(f"/incidents/{incident['incidentKey']}")) == incident

    changes = {"changeset": {"retries": 2, "timeout": None}}
    assert (await rest.client.patch(f"/jobs/{job['jobKey']}", json=changes)).status_code == 204
    await rest.post(f"/incidents/{incident['incidentKey']}/resolution", None, 204)
    assert (await rest.job())["retries"] == 2
    assert (await rest.post("/incidents/search", {}))["page"]["totalItems"] == 0


async def test_an_error_goes_to_its_boundary_event(rest: Rest) -> None:
    await rest.deploy(
        model(
            start(), task("task"), boundary("caught", "task", error("NOPE")), task("repair", "repair"), end(),
            flows="start -> task -> end\ncaught -> repair -> end", process_id="q",
        )
    )  # fmt: skip
    await rest.start("q")
    job = await rest.job()
    thrown = {"errorCode": "NOPE", "errorMessage": None, "variables": {"why": "so"}}
    await rest.post(f"/jobs/{job['jobKey']}/error", thrown, 204)
    assert (await rest.job("repair"))["variables"] == {"why": "so"}


async def test_a_lease_is_moved(rest: Rest) -> None:
    await rest.start()
    (job,) = await rest.jobs(timeout=20_000)
    changes = {"changeset": {"timeout": 60_000}, "jobLeaseToken": None}
    assert (await rest.client.patch(f"/jobs/{job['jobKey']}", json=changes)).status_code == 204
    assert 40 < lease_seconds_left(rest.engine, int(job["jobKey"])) < 60.1
    assert await rest.jobs() == []


async def test_a_refused_change_changes_nothing_of_a_job(rest: Rest) -> None:
    await rest.start()
    key = rest.engine.engine.store.jobs.ready("work", 1)[0].key
    answer = await rest.client.patch(f"/jobs/{key}", json={"changeset": {"retries": 9, "timeout": 1_000}})
    assert (answer.status_code, "not activated" in answer.text) == (409, True)
    assert (await rest.job())["retries"] == 3


async def test_the_xml_of_a_process_byte_by_byte(rest: Rest) -> None:
    content = one_task("größer").replace(b"?>", b"?>\r\n<!-- \xf0\x9f\x90\x8d -->\n", 1)
    key = await rest.deploy(content)
    answer = await rest.client.get(f"/process-definitions/{key}/xml")
    assert answer.content == content
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"


async def test_a_deployment_of_several_files_is_all_or_nothing(rest: Rest) -> None:
    def form(*files: tuple[str, bytes]) -> Any:
        return [("resources", file) for file in files] + [("tenantId", (None, "<default>"))]

    q, s = ((f"{name}.bpmn", model(start(), flows="", process_id=name)) for name in "qs")
    broken = ("r.bpmn", b"<broken")
    refused = await rest.client.post("/deployments", files=form(q, broken))
    assert (refused.status_code, "r.bpmn" in refused.json()["detail"]) == (400, True)
    assert (await rest.client.post("/process-instances", json={"processDefinitionId": "q"})).status_code == 404
    deployed = (await rest.client.post("/deployments", files=form(q, s))).json()
    names = [each["processDefinition"]["resourceName"] for each in deployed["deployments"]]
    assert (names, deployed["tenantId"]) == (["q.bpmn", "s.bpmn"], "<default>")


async def test_topology_and_status(rest: Rest) -> None:
    topology = await rest.get("/topology")
    (broker,) = topology["brokers"]
    assert f"{broker['host']}:{broker['port']}" == rest.engine.grpc_address
    assert broker["partitions"] == [{"partitionId": 1, "role": "leader", "health": "healthy", "state": "active"}]
    assert (await rest.client.get("/status")).status_code == 204


async def test_an_instance_is_cancelled_once(rest: Rest) -> None:
    key = await rest.start()
    await rest.post(f"/process-instances/{key}/cancellation", None, 204)
    problem = await rest.post(f"/process-instances/{key}/cancellation", {"operationReference": 5}, 404)
    assert key in problem["detail"]
    assert (await rest.get(f"/process-instances/{key}"))["state"] == "TERMINATED"


async def test_a_message_is_correlated(rest: Rest) -> None:
    await rest.deploy(
        model(
            start(), catch("wait", message("paid")), task("t", "after"), end(),
            flows="start -> wait -> t -> end", process_id="q", messages={"paid": "= order"},
        )
    )  # fmt: skip
    await rest.start("q", order="7")
    said = {"name": "paid", "correlationKey": "7", "timeToLive": 1_000, "messageId": "m", "variables": {"sum": 5}}
    published = await rest.post("/messages/publication", said)
    assert published["tenantId"] == "<default>"
    assert (await rest.job("after"))["variables"] == {"order": "7", "sum": 5}


async def test_variables_of_an_element_are_set(rest: Rest) -> None:
    key = await rest.start(x=1)
    answer = await rest.client.put(f"/element-instances/{key}/variables", json={"variables": {"x": 2}, "local": True})
    assert answer.status_code == 204
    assert (await rest.job())["variables"] == {"x": 2}


async def test_searches_filter_and_page(rest: Rest) -> None:
    keys = [await rest.start(number=number) for number in range(5)]
    await rest.post(f"/process-instances/{keys[0]}/cancellation", None, 204)
    job = await rest.job_of(keys[1])
    await rest.post(f"/jobs/{job}/failure", {"retries": 0}, 204)

    async def found(filter_: dict[str, Any], **page: int) -> tuple[list[str], int]:
        result = await rest.post("/process-instances/search", {"filter": filter_, "page": page})
        return [each["processInstanceKey"] for each in result["items"]], result["page"]["totalItems"]

    assert await found({"state": "ACTIVE"}) == (keys[:0:-1], 4)
    assert await found({"state": "ACTIVE"}, **{"from": 1}, limit=2) == ([keys[3], keys[2]], 4)
    assert await found({"hasIncident": True, "processDefinitionId": "p"}) == ([keys[1]], 1)
    assert await found({"processInstanceKey": {"$in": keys[:2]}, "state": {"$eq": "TERMINATED"}}) == ([keys[0]], 1)
    assert await found({"processInstanceKey": {"$in": []}}) == ([], 0)
    incidents = await rest.post(f"/process-instances/{keys[1]}/incidents/search", {"filter": {"state": "ACTIVE"}})
    assert [each["jobKey"] for each in incidents["items"]] == [job]
    assert (await rest.post("/incidents/search", {"filter": {"jobKey": "5"}}))["items"] == []


async def test_a_called_process_names_its_caller(rest: Rest) -> None:
    call = '<bpmn:callActivity id="call"><bpmn:extensionElements><zeebe:calledElement processId="p"/>'
    call += "</bpmn:extensionElements></bpmn:callActivity>"
    await rest.deploy(model(start(), call, end(), flows="start -> call -> end", process_id="q"), "q.bpmn")
    caller = await rest.start("q")
    (called,) = (await rest.post("/process-instances/search", {"filter": {"processDefinitionId": "p"}}))["items"]
    assert called["parentProcessInstanceKey"] == caller
    refused = await rest.post(f"/process-instances/{called['processInstanceKey']}/cancellation", None, 409)
    assert "root process instance" in refused["detail"]


REFUSED: dict[str, tuple[str, str, Any, int, str]] = {
    "complete": ("POST", "/jobs/1/completion", {}, 404, "job with key '1'"),
    "fail": ("POST", "/jobs/1/failure", {}, 404, "job with key '1'"),
    "throw": ("POST", "/jobs/1/error", {"errorCode": "E"}, 404, "job with key '1'"),
    "throw what": ("POST", "/jobs/1/error", {}, 400, "errorCode"),
    "update": ("PATCH", "/jobs/1", {"changeset": {"timeout": 5}}, 404, "job with key '1'"),
    "update nothing": ("PATCH", "/jobs/1", {"changeset": {"priority": 5}}, 400, "retries or timeout"),
    "update retries": ("PATCH", "/jobs/1", {"changeset": {"retries": 0}}, 400, "positive"),
    "no number": ("POST", "/jobs/x/completion", {}, 400, "'x' is none"),
    "too large a key": ("POST", f"/jobs/{1 << 63}/completion", {}, 400, "is none"),
    "other digits": ("POST", "/jobs/٣/completion", {}, 400, "is none"),
    "resolve": ("POST", "/incidents/1/resolution", None, 404, "key '1'"),
    "set": ("PUT", "/element-instances/1/variables", {"variables": {}}, 404, "key '1'"),
    "xml": ("GET", "/process-definitions/1/xml", None, 404, "key '1'"),
    "instance": ("GET", "/process-instances/1", None, 404, "key '1'"),
    "incident": ("GET", "/incidents/1", None, 404, "key '1'"),
    "create": ("POST", "/process-instances", {"processDefinitionId": "x"}, 404, "'x'"),
    "create by key": ("POST", "/process-instances", {"processDefinitionKey": "1"}, 404, "key '1'"),
    "create version": (
        "POST", "/process-instances", {"processDefinitionId": "p", "processDefinitionVersion": 2}, 404, "version '2'",
    ),
    "create what": ("POST", "/process-instances", {}, 400, "none given"),
    "create inside": (
        "POST", "/process-instances", {"processDefinitionId": "p", "startInstructions": [{"elementId": "task"}]}, 501,
        "start event only",
    ),
    "create with tags": ("POST", "/process-instances", {"processDefinitionId": "p", "tags": ["a"]}, 501, "no tags"),
    "variables": ("POST", "/process-instances", {"processDefinitionId": "p", "variables": [1]}, 400, "'ARRAY'"),
    "tenant": ("POST", "/process-instances", {"processDefinitionId": "p", "tenantId": "t"}, 400, "'t'"),
    "no type": ("POST", "/jobs/activation", {"timeout": 1, "maxJobsToActivate": 1}, 400, "type to be present"),
    "no timeout": ("POST", "/jobs/activation", {"type": "t", "maxJobsToActivate": 1}, 400, "timeout to be greater"),
    "no number of jobs": ("POST", "/jobs/activation", {"type": "t", "timeout": 1}, 400, "maxJobsToActivate to be"),
    "timeout for ever": (
        "POST", "/jobs/activation", {"type": "t", "timeout": 1 << 63, "maxJobsToActivate": 1}, 400, "$.timeout",
    ),
    "tenant of jobs": (
        "POST", "/jobs/activation", {"type": "t", "timeout": 1, "maxJobsToActivate": 1, "tenantIds": ["x"]}, 400, "'x'",
    ),
    "message": ("POST", "/messages/publication", {}, 400, "with a name"),
    "no object": ("POST", "/messages/publication", [], 400, "Expected `object"),
    "wrong type": ("POST", "/messages/publication", {"name": 5}, 400, "$.name"),
    "no form": ("POST", "/deployments", {}, 400, "multipart/form-data"),
    "unknown filter": ("POST", "/process-instances/search", {"filter": {"tags": ["a"]}}, 501, "by 'tags'"),
    "operator": ("POST", "/incidents/search", {"filter": {"elementId": {"$like": "a*"}}}, 501, "'elementId'"),
    "sort": ("POST", "/incidents/search", {"sort": [{"field": "state"}]}, 501, "newest first"),
    "cursor": ("POST", "/incidents/search", {"page": {"after": "x"}}, 501, "no cursors"),
    "no such path": ("GET", "/jobs/1/secrets", None, 404, "/v2/jobs/1/secrets"),
    "method": ("DELETE", "/topology", None, 405, "only GET"),
    "root": ("GET", "/", None, 404, "There is no"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_a_refusal_is_a_problem_that_says_why(rest: Rest, case: str) -> None:
    method, path, body, status, said = REFUSED[case]
    answer = await rest.client.request(method, path, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "instance"}
    assert problem["status"] == status
    assert said in problem["detail"]
    assert rest.engine.view().active_instances == 0


@pytest.mark.parametrize(
    ("content", "media_type", "status", "said"),
    [
        (b"{}", "text/plain", 415, "application/json"),
        (b"{}", "application/x-www-form-urlencoded", 415, "application/json"),
        (b"{", "application/json", 400, "invalid"),
        (b"\xff", "application/json", 400, "invalid"),
        (b'{"variables":' + b"[" * 100_000, "application/json", 400, "invalid"),
        (b'{"name": "' + b"x" * (4 << 20) + b'"}', "application/json", 413, "4,194,304 bytes"),
        (b'{"name": "m"}', "application/vnd.api+json; charset=utf-8", 200, "messageKey"),
    ],
    ids=["text", "form", "cut off", "no UTF-8", "deep", "large", "JSON by another name"],
)
async def test_a_body_that_cannot_be_read(rest: Rest, content: bytes, media_type: str, status: int, said: str) -> None:
    answer = await rest.client.post("/messages/publication", content=content, headers={"content-type": media_type})
    assert (answer.status_code, said in answer.text) == (status, True)
    assert (await rest.client.get("/status")).status_code == 204


CALLS = [
    "POST /jobs/activation", "POST /jobs/1/completion", "POST /jobs/1/failure", "POST /jobs/1/error", "PATCH /jobs/1",
    "POST /process-instances", "POST /process-instances/1/cancellation", "POST /process-instances/search",
    "POST /process-instances/1/incidents/search", "PUT /element-instances/1/variables", "POST /messages/publication",
    "POST /incidents/search", "POST /incidents/1/resolution", "POST /deployments",
]  # fmt: skip
ODD: list[Any] = [
    None, [], 5, "x", True, {"": 0}, {"variables": None}, {"variables": "x"}, {"changeset": None}, {"retries": None},
    {"filter": None}, {"filter": []}, {"page": None}, {"page": {"from": -1}}, {"page": {"limit": 0}}, {"sort": []},
    {"filter": {"state": None}}, {"filter": {"state": {}}}, {"filter": {"state": {"$in": 5}}},
    {"filter": {"processInstanceKey": {"$eq": []}}}, {"filter": {"processInstanceKey": {"$in": [{}, None, 1.5]}}},
    {"filter": {"processInstanceKey": "-1"}}, {"filter": {"hasIncident": "x"}}, {"filter": {"hasIncident": None}},
    {"filter": {"tenantId": {"$eq": "'"}}}, {"filter": {"elementId": "\ud800"}}, {"filter": {"elementId": "'; --"}},
    {"processDefinitionKey": -1}, {"processDefinitionKey": 1 << 70}, {"processDefinitionId": "\x00"},
    {"type": "\ud800", "timeout": 1, "maxJobsToActivate": 1}, {"name": "\ud800"}, {"errorCode": "\ud800"},
    {"type": "t", "timeout": -(1 << 63), "maxJobsToActivate": 2**31 - 1, "requestTimeout": -(1 << 63)},
    {"name": "m", "timeToLive": (1 << 63) - 1, "correlationKey": "\x00", "messageId": "\x00"},
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
async def test_odd_requests_are_answered(rest: Rest, call: str) -> None:
    method, _, path = call.partition(" ")
    for body in ODD:
        content = json.dumps(body).encode()
        answer = await rest.client.request(method, path, content=content, headers={"content-type": "application/json"})
        assert answer.status_code < 500 or answer.status_code == 501, (body, answer.text)


FILE = b'--b\r\nContent-Disposition: form-data; name="r"; filename="p.bpmn"\r\n\r\n'
FORM = "multipart/form-data; boundary=b"


@pytest.mark.parametrize(
    ("content", "media_type", "said"),
    [
        (b"--b--", FORM, "at least one resource"),
        (FILE + b"x", FORM, "ends too early"),
        (FILE + b"<x/>\r\n--b", FORM, "ends too early"),
        (b"--b\r\nx\r\n--b--", FORM, "without headers"),
        (b"--b" * 3 + b"--b--", FORM, "at least one resource"),
        (b"\r\n--b" * 1_500 + b"--", FORM, "more than 1000 parts"),
        (FILE + b"?\r\n--b--", FORM, "not well-formed"),
        (FILE.replace(b"p.bpmn", b"p.dmn") + b"?\r\n--b--", FORM, "no decisions and no forms"),
        (FILE + b"\r\n--b--", "multipart/form-data", "with a boundary"),
        (b'--b\r\nContent-Disposition: form-data; name="tenantId"\r\n\r\nx\r\n--b--', FORM, "'x'"),
    ],
)
async def test_a_form_that_cannot_be_deployed(rest: Rest, content: bytes, media_type: str, said: str) -> None:
    answer = await rest.client.post("/deployments", content=content, headers={"content-type": media_type})
    assert (answer.status_code, said in answer.json()["detail"]) == (400, True)


async def test_pages_of_other_sites_are_kept_away(rest: Rest) -> None:
    async def status(method: str, **headers: str) -> int:
        return (
            await rest.client.request(method, "/status" if method == "GET" else "/jobs/1/error", headers=headers)
        ).status_code

    own = str(rest.engine.rest_address).removeprefix("http://")
    assert await status("GET", host="evil.example") == 421
    assert await status("GET", host="[::2") == 421
    assert await status("GET", host="localhost:5") == 204
    assert await status("POST", origin="https://evil.example") == 403
    assert await status("POST", origin="null") == 403
    assert await status("POST", origin=f"http://{own}") == 400


async def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        engine = EmbeddedEngine(EngineConfig(grpc_port=0, rest_port=port))
        with pytest.raises(ConfigError, match=rf"REST API cannot listen on 127\.0\.0\.1:{port}"):
            await engine.start()


async def test_small_answers_do_not_wait_for_acknowledgements() -> None:
    connected: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def on_connection(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        connected.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    with listen("127.0.0.1", 0) as listening:
        async with await asyncio.start_server(on_connection, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            assert await connected
            writer.close()
            await writer.wait_closed()


async def test_without_a_port_there_is_no_rest_api() -> None:
    engine = EmbeddedEngine(EngineConfig(grpc_port=0))
    await engine.start()
    assert engine.rest_address is None
    await engine.stop()


async def test_a_failure_of_the_engine_is_said_and_does_not_end_it(
    rest: Rest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("disk on fire")

    monkeypatch.setattr(rest.engine.engine, "publish_message", broken)
    answer = await rest.client.post("/messages/publication", json={"name": "m"})
    assert (answer.status_code, "disk" in answer.text) == (500, False)
    assert "disk on fire" in caplog.text
    assert (await rest.client.get("/status")).status_code == 204


async def test_a_request_that_never_ends_is_given_up(rest: Rest) -> None:
    port = httpx.URL(str(rest.engine.rest_address)).port
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /v2/deployments HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nx")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await rest.client.get("/status")).status_code == 204
