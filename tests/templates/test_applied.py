"""A drawn model, our template applied without a modeler, and the process runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from coupler.templates.apply import apply
from tests.e2e.client import Client
from tests.e2e.processes import Engine
from tests.templates.echo import Echo
from tests.templates.runner import Runner

FOLDER: Final = Path(__file__).parent.parent.parent / "element-templates"

DRAWN: Final = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="http://example.org" id="d">
  <process id="PROCESS" isExecutable="true">
    <startEvent id="start"><outgoing>a</outgoing></startEvent>
    <task id="call" name="Ask the other system">
      <incoming>a</incoming><outgoing>b</outgoing>
    </task>
    <endEvent id="end"><incoming>b</incoming></endEvent>
    <sequenceFlow id="a" sourceRef="start" targetRef="call"/>
    <sequenceFlow id="b" sourceRef="call" targetRef="end"/>
  </process>
</definitions>
"""


async def run_applied(
    client: Client, engine: Engine, tmp_path: Path, name: str, values: dict[str, str], **variables: object
) -> dict[str, Any]:
    """Applies a template to the drawn model, deploys and runs it."""
    process_id = f"applied-{name.replace('/', '-')}"
    template = json.loads((FOLDER / f"{name}.json").read_text())
    file = tmp_path / f"{process_id}.bpmn"
    file.write_bytes(apply(template, DRAWN.replace("PROCESS", process_id).encode(), "call", values))
    await client.pyzeebe.deploy_resource(file)
    return await Runner(client, engine, process_id).run_deployed(**variables)


async def test_rest(client: Client, dropin_engine: Engine, echo: Echo, tmp_path: Path) -> None:
    values = {
        "method": "POST",
        "url": f"{echo.url}/echo",
        "authentication.type": "basic",
        "authentication.username": "ada",
        "authentication.password": "{{secrets.TOKEN}}",
        "headers": '{"X-Number": number}',
        "body": '={quoted: "say \\"hi\\" & <go>", number: number}',
        "resultExpression": "{told: response.body}",
        "readTimeoutInSeconds": "30",
    }
    found = await run_applied(client, dropin_engine, tmp_path, "rest", values, number=7)
    assert found["told"]["headers"]["x-number"] == "7"
    assert found["told"]["headers"]["authorization"] == "Basic YWRhOmh1bnRlcjItNDcxMQ=="
    assert json.loads(found["told"]["body"]) == {"quoted": 'say "hi" & <go>', "number": 7}


async def test_rest_with_its_defaults(client: Client, dropin_engine: Engine, echo: Echo, tmp_path: Path) -> None:
    values = {"url": f"{echo.url}/echo"}
    found = await run_applied(client, dropin_engine, tmp_path, "versioned/rest-1", values)
    assert found["myResponseBody"]["method"] == "GET"


async def test_the_hybrid_variant(client: Client, dropin_engine: Engine, echo: Echo, tmp_path: Path) -> None:
    values = {"url": f"{echo.url}/echo", "taskDefinitionType": "io.camunda:http-json:1", "resultVariable": "whole"}
    found = await run_applied(client, dropin_engine, tmp_path, "hybrid/rest-hybrid", values)
    assert found["whole"]["status"] == 200


async def test_graphql(client: Client, dropin_engine: Engine, echo: Echo, tmp_path: Path) -> None:
    values = {
        "graphql.method": "post",
        "graphql.url": f"{echo.url}/graphql",
        "graphql.query": "{ order { id } }",
        "graphql.variables": "{id: 7}",
    }
    found = await run_applied(client, dropin_engine, tmp_path, "graphql", values)
    assert json.loads(found["myResponseData"]["body"]) == {"query": "{ order { id } }", "variables": {"id": 7}}
