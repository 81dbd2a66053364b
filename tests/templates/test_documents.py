"""Documents in templates: helper fields, and the FEEL that makes a document of them, run on the embedded engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest

from coupler.sdk import Connector, Input
from coupler.sdk.template import Group, Template, TemplateInfo, Variant
from coupler.sdk.template_documents import many_documents, one_document
from coupler.templates.apply import apply
from coupler.templates.generate import generate
from coupler.templates.lint import lint
from coupler.templates.validate import validator
from tests.e2e.client import Client
from tests.e2e.processes import Engine
from tests.templates.echo import Echo
from tests.templates.runner import Runner


class Put(Input):
    bucket: Annotated[str, Template(id="putBucket")]
    document: Annotated[Any, one_document("action_document", path="action", template_id="putDocument")]


class Remove(Input):
    bucket: Annotated[str, Template(id="removeBucket")]


class StoreInput(Input):
    """Sends the documents to an HTTP endpoint, which the REST connector does: so that the whole way is real."""

    action_name: Annotated[Literal["put", "remove"], Template(group="main")] = "put"
    action: Annotated[
        Annotated[Put, Variant(value="put")] | Annotated[Remove, Variant(value="remove")],
        Template(group="main", chosen_by="actionName"),
    ]
    attachments: Annotated[list[Any] | None, many_documents("files", group="main")] = None
    method: Annotated[str, Template(kind="Hidden", default="POST", group="main")]
    url: Annotated[str, Template(group="main")]
    body: Annotated[
        Any,
        Template(kind="Hidden", default="={document: action.document, attachments: attachments}", group="main"),
    ] = None


class Store(Connector[StoreInput]):
    type = "io.camunda:http-json:1"
    name = "Store"
    Input = StoreInput
    template: ClassVar[TemplateInfo] = TemplateInfo(
        id="io.coupler.tests.store",
        version=1,
        description="Stores",
        groups=(Group("main", "Main"),),
        result_expression="={told: response.body}",
    )


TEMPLATE = generate(Store)
BY_ID = {each["id"]: each for each in TEMPLATE["properties"]}


def test_the_template_is_valid() -> None:
    assert validator()(TEMPLATE) == []
    assert lint(TEMPLATE, model=StoreInput) == []


def test_helpers_stand_before_the_document_and_beside_it() -> None:
    names = list(BY_ID)
    start = names.index("action_document_documentSource")
    assert names[start : start + 8] == [
        "action_document_documentSource",
        "action_document_camundaReference",
        "action_document_inline_content",
        "action_document_inline_fileName",
        "action_document_inline_contentType",
        "action_document_external_url",
        "action_document_external_fileName",
        "putDocument",
    ]
    assert BY_ID["action_document_inline_content"]["binding"]["name"] == "action.action_document_inline_content"
    assert BY_ID["putDocument"]["binding"]["name"] == "action.document"


def test_helpers_are_offered_for_their_source_while_the_action_is_chosen() -> None:
    assert BY_ID["action_document_external_url"]["condition"]["allMatch"] == [
        {"property": "action_document_documentSource", "equals": "external", "type": "simple"},
        {"property": "actionName", "equals": "put", "type": "simple"},
    ]
    assert BY_ID["files_single_inline_content"]["condition"]["allMatch"] == [
        {"property": "files_single_documentSource", "equals": "inline", "type": "simple"},
        {"property": "files_documentMode", "equals": "single", "type": "simple"},
    ]


DRAWN = b"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="urn:t" id="d">
  <process id="PROCESS" isExecutable="true">
    <startEvent id="start"/><task id="call"/><endEvent id="end"/>
    <sequenceFlow id="a" sourceRef="start" targetRef="call"/><sequenceFlow id="b" sourceRef="call" targetRef="end"/>
  </process>
</definitions>"""


@pytest.mark.parametrize(
    ("values", "document", "attachments"),
    [
        pytest.param(
            {"action_document_documentSource": "inline", "action_document_inline_content": "hello"},
            "aGVsbG8=",
            None,
            id="content",
        ),
        pytest.param(
            {"action_document_documentSource": "external", "action_document_external_url": "URL/latin"},
            "R3L832U=",
            None,
            id="address",
        ),
        pytest.param({"action_document_camundaReference": "given"}, "Z2l2ZW4=", None, id="reference"),
        pytest.param(
            {
                "action_document_camundaReference": "given",
                "files_documentMode": "single",
                "files_single_documentSource": "inline",
                "files_single_inline_content": "=1 + 1",
                "files_single_inline_fileName": "two.txt",
            },
            "Z2l2ZW4=",
            ["Mg=="],
            id="one-attachment",
        ),
        pytest.param(
            {
                "action_document_camundaReference": "given",
                "files_documentMode": "multiple",
                "files_multiple_expression": "[given, given]",
            },
            "Z2l2ZW4=",
            ["Z2l2ZW4=", "Z2l2ZW4="],
            id="several-attachments",
        ),
    ],
)
async def test_documents_arrive(
    run: Runner,
    client: Client,
    dropin_engine: Engine,
    echo: Echo,
    tmp_path: Path,
    values: dict[str, str],
    document: str,
    attachments: list[str] | None,
) -> None:
    values = {name: text.replace("URL", echo.url) for name, text in values.items()}
    values |= {"putBucket": "b", "url": f"{echo.url}/echo"}
    file = tmp_path / "model.bpmn"
    file.write_bytes(apply(TEMPLATE, DRAWN.replace(b"PROCESS", run.process_id.encode()), "call", values))
    await client.pyzeebe.deploy_resource(file)
    given = {"camunda.document.type": "inline", "content": "given"}
    found = await run.run_deployed(given=given)
    assert json.loads(found["told"]["body"]) == {"document": document, "attachments": attachments}
