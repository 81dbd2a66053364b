from __future__ import annotations

import json
from collections.abc import AsyncIterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from coupler.admin import templates
from coupler.admin.application import create_app
from coupler.admin.config import AdminConfig
from coupler.registry import Registered
from coupler.sdk import Connector, Input, JobContext
from coupler.sdk.template import TemplateInfo
from coupler.templates.discovery import Templated
from tests.admin.view import FakeView

COMMITTED = Path(__file__).parents[2] / "element-templates"


class Nasty(Connector[Any]):
    """A connector of somebody who tries."""

    type = "nasty:1"
    name = "<img src=x onerror=alert(1)>"
    Input = Input
    template = TemplateInfo(
        id="nasty/../x", version=1, description="</script><script>alert(1)</script>", file='n"\r\nx'
    )

    async def execute(self, input: Any, context: JobContext) -> Any:  # noqa: A002 - the method's own word
        return None


class View(FakeView):
    """REST serves, GraphQL is off."""

    def connectors(self) -> list[Registered]:
        return [
            Registered("rest", "coupler", "io.camunda:http-json:1", "HTTP REST", None),
            Registered("graphql", "coupler", "", "graphql", None, enabled=False, disabled_because="it is <b>off</b>"),
        ]


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(View(), CollectorRegistry()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
        yield client


async def entries(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    return {entry["plugin"]: entry for entry in (await client.get("/api/templates")).json()}


async def test_a_template_is_the_file_that_the_connector_makes(client: httpx.AsyncClient) -> None:
    rest = (await entries(client))["rest"]
    answer = await client.get(f"/api/templates/{rest['id']}")

    assert answer.json() == json.loads((COMMITTED / "rest.json").read_text("utf-8"))
    assert (rest["name"], rest["version"]) == (answer.json()["name"], answer.json()["version"])
    assert (rest["job_type"], rest["served"], rest["not_served_because"]) == ("io.camunda:http-json:1", True, "")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''rest.json"


async def test_templates_that_nobody_serves_here_are_marked_and_can_still_be_had(client: httpx.AsyncClient) -> None:
    found = await entries(client)

    assert (found["graphql"]["served"], found["graphql"]["not_served_because"]) == (False, "it is <b>off</b>")
    assert (await client.get(f"/api/templates/{found['graphql']['id']}")).status_code == 200


@pytest.mark.parametrize(
    ("connectors", "reason"),
    [
        ([], "the connector was installed after the start"),
        ([Registered("rest", "", "my:rest", "REST", None)], "the connector serves the job type my:rest here"),
    ],
)
def test_a_template_whose_jobs_nobody_would_take_says_why(connectors: list[Registered], reason: str) -> None:
    (rest,) = templates._found((EntryPoint("rest", "coupler_rest:RestConnector", "coupler.connectors"),))

    assert templates._entry(rest, connectors).not_served_because == reason


async def test_one_file_holds_all_that_is_served(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/templates/all")

    assert [each["id"] for each in answer.json()] == [(await entries(client))["rest"]["id"]]
    assert "coupler.json" in answer.headers["content-disposition"]


async def test_an_unknown_template_is_not_found(client: httpx.AsyncClient) -> None:
    for unknown in ("nobody", "..%2f..%2fetc%2fpasswd"):
        assert (await client.get(f"/api/templates/{unknown}")).status_code == 404


async def test_names_and_texts_of_connectors_are_data() -> None:
    nasty = Templated("nasty", Nasty, Nasty.template)
    found = templates._entry(nasty, [])
    answer = templates._file({"name": Nasty.name}, f"{nasty.file}.json")

    assert found.name == Nasty.name  # the page puts it in as text
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''n%22%0D%0Ax.json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_broken_plug_in_is_in_nobodys_way(caplog: pytest.LogCaptureFixture) -> None:
    broken = EntryPoint("broken", "no_such_module:Nothing", "coupler.connectors")
    rest = EntryPoint("rest", "coupler_rest:RestConnector", "coupler.connectors")

    assert [each.plugin for each in templates._found((broken, rest))] == ["rest"]
    assert "no_such_module" in caplog.text


async def test_the_guards_are_those_of_every_endpoint() -> None:
    app = create_app(View(), CollectorRegistry(), AdminConfig(token="hunter2"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:8080") as client:
        for path in ("/api/templates", "/api/templates/all", "/api/templates/x"):
            assert (await client.get(path)).status_code == 401
            assert (await client.get(path, headers={"Host": "evil.example"})).status_code == 421
        info = await client.get("/api/info", headers={"Authorization": "Bearer hunter2"})
        assert info.json()["token_needed"] is True
