"""What each published version of the REST and GraphQL templates puts into a process model.

Written by hand from the history of the templates: neither the generator nor the input models of the connectors are used
here, so that both are tested against something of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.e2e.bpmn import Model

REST: Final = "io.camunda:http-json:1"
GRAPHQL: Final = "io.camunda:connector-graphql:1"

REST_VERSIONS: Final = (1, 3, 5, 7, 10, 12, 14, 17)
GRAPHQL_VERSIONS: Final = (1, 4, 8, 12)


@dataclass(frozen=True, slots=True)
class Task:
    """A service task as a template leaves it in the model."""

    type: str
    inputs: Mapping[str, str]
    headers: Mapping[str, str]
    retries: int


def model(process_id: str, task: Task, *, error_code: str | None = None) -> Model:
    """A process of one task; with an error code, a boundary event sends it to an end of its own."""
    made = Model(process_id)
    made.task("call", task.type, inputs=task.inputs, headers=task.headers, retries=task.retries)
    made.from_start_to_end("call")
    if error_code is not None:
        made.error_boundary("caught", "call", error_code).end("other").flow("caught", "other")
    return made


def rest(
    version: int,
    url: str,
    *,
    method: str = "GET",
    authentication: Mapping[str, str] | None = None,
    request: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    retries: int = 3,
) -> Task:
    """A task of the REST template.

    Args:
        authentication: the fields of the chosen authentication with their type; default: none.
        request: inputs that the person who modelled has filled in, beside method and URL.
        headers: result and error mapping.
    """
    inputs = {f"authentication.{name}": value for name, value in (authentication or {"type": "noAuth"}).items()}
    inputs |= {"method": method, "url": url}
    inputs |= _rest_defaults(version, method)
    return Task(REST, inputs | dict(request or {}), _task_headers("HttpJson.v2", version, headers), retries)


def _rest_defaults(version: int, method: str) -> dict[str, str]:
    """Inputs with a default value in that version."""
    timeout = "=20" if version >= 12 else "20"
    found = {"connectionTimeoutInSeconds": timeout}
    if version >= 7:
        found["readTimeoutInSeconds"] = timeout
    if version == 7:
        found["writeTimeoutInSeconds"] = "0"
    if 10 <= version <= 16:
        found["storeResponse"] = "=false"
    if version >= 12 and method in ("POST", "PUT", "PATCH"):
        found["ignoreNullValues"] = "=false"
    if version >= 13:
        found["followRedirects"] = "=false"
    if version >= 17:
        found["documentReturnFormat.choice"] = "JSON"
    return found


def graphql(
    version: int,
    url: str,
    query: str,
    *,
    method: str = "post",
    authentication: Mapping[str, str] | None = None,
    request: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    retries: int = 3,
) -> Task:
    """A task of the GraphQL template. ``request`` has names below ``graphql``, or whole names with a dot in front."""
    inputs = {f"authentication.{name}": value for name, value in (authentication or {"type": "noAuth"}).items()}
    inputs |= {"graphql.method": method, "graphql.url": url, "graphql.query": query}
    inputs["graphql.connectionTimeoutInSeconds"] = "=20" if version >= 8 else "20"
    if version >= 8:
        inputs["graphql.readTimeoutInSeconds"] = "=20"
        inputs["graphql.storeResponse"] = "=false"
    if version >= 12:
        del inputs["graphql.storeResponse"]
        inputs["documentReturnFormat.choice"] = "JSON"
    for name, value in (request or {}).items():
        inputs[name[1:] if name.startswith(".") else f"graphql.{name}"] = value
    return Task(GRAPHQL, inputs, _task_headers("GraphQL.v1", version, headers), retries)


def _task_headers(name: str, version: int, headers: Mapping[str, str] | None) -> dict[str, str]:
    found = dict(headers or {})
    if version >= 3:
        found.setdefault("retryBackoff", "PT30S" if version >= 15 else "PT0S")
    if version >= 11:
        found |= {"elementTemplateId": f"io.camunda.connectors.{name}", "elementTemplateVersion": str(version)}
    return found
