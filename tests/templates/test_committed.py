"""The templates in the repository: what the connectors say, and what process models rely on."""

from __future__ import annotations

import importlib
import json
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Final

import pytest

from coupler.templates import commands
from coupler.templates.discovery import templated
from coupler.templates.lint import lint
from coupler.templates.validate import validator

ROOT: Final = Path(__file__).parent.parent.parent
FOLDER: Final = ROOT / "element-templates"
FILES: Final = sorted(FOLDER.rglob("*.json"))


def plugins() -> list[EntryPoint]:
    """The connectors of this repository."""
    names = sorted(path.parent.name for path in (ROOT / "connectors").glob("*/py.typed"))
    found = [(name, importlib.import_module(name).__all__[0]) for name in names]
    return [EntryPoint(name.removeprefix("coupler_"), f"{name}:{attr}", "coupler.connectors") for name, attr in found]


def test_every_file_is_what_its_connector_says(capsys: pytest.CaptureFixture[str]) -> None:
    code = commands.check([], FOLDER, plugins=plugins())
    assert code == 0, capsys.readouterr().out


def test_every_connector_with_a_template_has_its_files() -> None:
    wanted = {each.file for each in templated(plugins=plugins())}
    assert {"rest", "graphql"} <= wanted
    assert wanted == {file.stem for file in FOLDER.glob("*.json")}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_every_file_is_valid(file: Path) -> None:
    template = json.loads(file.read_text())
    assert validator()(template) == []
    assert lint(template) == []


def test_no_two_files_are_the_same_template() -> None:
    found = [json.loads(file.read_text()) for file in FILES]
    names = [(template["id"], template["version"]) for template in found]
    assert len(names) == len(set(names))


def load(name: str) -> dict[str, Any]:
    template: dict[str, Any] = json.loads((FOLDER / name).read_text())
    return template


def written(template: dict[str, Any]) -> list[str]:
    """What the properties write to, in their order; what belongs to one variant has its value in front."""
    lines: list[str] = []
    for each in template["properties"]:
        binding = each["binding"]
        condition = each.get("condition", {})
        variant = f"{condition['equals']}: " if condition.get("property") == "authentication.type" else ""
        lines.append(variant + (binding.get("name") or binding.get("key") or f"task {binding['property']}"))
    return lines


AUTHENTICATION: Final = [
    "authenticationConfiguration",
    "authentication.type",
    "apiKey: authentication.apiKeyLocation",
    "apiKey: authentication.name",
    "apiKey: authentication.value",
    "basic: authentication.username",
    "basic: authentication.password",
    "bearer: authentication.token",
    "oauth-client-credentials-flow: authentication.oauthTokenEndpoint",
    "oauth-client-credentials-flow: authentication.clientId",
    "oauth-client-credentials-flow: authentication.clientSecret",
    "oauth-client-credentials-flow: authentication.audience",
    "oauth-client-credentials-flow: authentication.scopes",
    "oauth-client-credentials-flow: authentication.clientAuthentication",
    "oauth-refresh-token: authentication.oauthTokenEndpoint",
    "oauth-refresh-token: authentication.clientId",
    "oauth-refresh-token: authentication.clientSecret",
    "oauth-refresh-token: authentication.refreshToken",
    "oauth-refresh-token: authentication.scopes",
]
END: Final = [
    "elementTemplateVersion",
    "elementTemplateId",
    "resultVariable",
    "resultExpression",
    "errorExpression",
    "task retries",
    "retryBackoff",
    "jobTimeout",
]


def test_rest_writes_what_the_template_of_the_java_runtime_writes() -> None:
    assert written(load("rest.json")) == [
        "task type",
        *AUTHENTICATION,
        "clientTls.clientCertificate",
        "clientTls.clientPrivateKey",
        "clientTls.privateKeyPassword",
        "clientTls.trustedCertificate",
        "method",
        "url",
        "headers",
        "queryParameters",
        "skipEncoding",
        "followRedirects",
        "documentReturnFormat.choice",
        "documentReturnFormat.encoding",
        "connectionTimeoutInSeconds",
        "readTimeoutInSeconds",
        "body",
        "ignoreNullValues",
        *END,
    ]


def test_graphql_writes_what_the_template_of_the_java_runtime_writes() -> None:
    assert written(load("graphql.json")) == [
        "task type",
        *AUTHENTICATION,
        "graphql.method",
        "graphql.url",
        "graphql.headers",
        "documentReturnFormat.choice",
        "documentReturnFormat.encoding",
        "graphql.query",
        "graphql.variables",
        "graphql.connectionTimeoutInSeconds",
        "graphql.readTimeoutInSeconds",
        *END,
    ]


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("rest.json", "authentication tls endpoint timeout payload connector output error retries"),
        ("graphql.json", "authentication endpoint graphql timeout connector output error retries"),
        (
            "hybrid/rest-hybrid.json",
            "taskDefinitionType authentication tls endpoint timeout payload connector output error retries",
        ),
    ],
)
def test_groups(name: str, groups: str) -> None:
    assert [group["id"] for group in load(name)["groups"]] == groups.split()


@pytest.mark.parametrize(
    ("name", "job_type"), [("rest", "io.camunda:http-json:1"), ("graphql", "io.camunda:connector-graphql:1")]
)
def test_the_job_type_is_that_of_the_java_runtime(name: str, job_type: str) -> None:
    template = load(f"{name}.json")
    assert template["properties"][0]["value"] == job_type
    assert template["id"].startswith("io.coupler.")
    assert load(f"hybrid/{name}-hybrid.json")["properties"][0]["value"] == job_type


@pytest.mark.parametrize("name", ["rest", "graphql"])
def test_credentials_of_the_cluster_have_eighteen_fields(name: str) -> None:
    [credential] = load(f"{name}.json")["configurationTemplates"]
    assert credential["id"] == "io.camunda.connectors:rest-authentication:1"
    assert len(credential["properties"]) == 18


@pytest.mark.parametrize("name", ["rest", "graphql"])
def test_older_clusters_have_a_version_without_credentials(name: str) -> None:
    older, newest = load(f"versioned/{name}-1.json"), load(f"{name}.json")
    assert (older["engines"], newest["engines"]) == ({"camunda": "^8.5"}, {"camunda": "^8.10"})
    assert not any(each["type"] == "Configuration" for each in older["properties"])
