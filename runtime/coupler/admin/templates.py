"""Element templates of the installed connectors, rendered when somebody asks."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Response

from coupler.admin import models
from coupler.admin.view import RuntimeView
from coupler.errors import ConfigError
from coupler.registry import GROUP, Registered
from coupler.templates.discovery import Templated, templated
from coupler.templates.generate import ElementTemplate, generate

log = logging.getLogger(__name__)

_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"description": "No installed connector has such a template."}}
_NAMED: dict[int | str, dict[str, Any]] = {
    200: {"description": "A file for a modeler.", "content": {"application/json": {}}}
}

Find = Callable[[], Iterable[Templated]]


def installed() -> list[Templated]:
    """The connectors with a template. One that is broken is left out, and named in the log, not in everybody's way."""
    return _found(tuple(sorted(entry_points(group=GROUP), key=lambda plugin: plugin.name)))


@cache
def _found(plugins: tuple[EntryPoint, ...]) -> list[Templated]:
    return list(_each(plugins))


def _each(plugins: Iterable[EntryPoint]) -> Iterator[Templated]:
    for plugin in plugins:
        try:
            yield from templated(plugins=[plugin])
        except ConfigError as error:
            log.warning("No element template: %s", error)


@cache
def _rendered(each: Templated) -> ElementTemplate:
    return generate(each.connector)


def router(view: RuntimeView, find: Find = installed) -> APIRouter:
    """The endpoints. Plain functions: what they import and render is no business of the event loop."""
    routes = APIRouter(prefix="/api/templates", tags=["templates"])

    @routes.get("")
    def templates() -> list[models.Template]:
        """The element templates of the installed connectors; those that nobody serves here are marked."""
        return [_entry(each, view.connectors()) for each in find()]

    @routes.get("/all", response_class=Response, responses=_NAMED)
    def every() -> Response:
        """The templates that are served here, in one file for a modeler."""
        served = [each for each in find() if not _not_served_because(each, view.connectors())]
        return _file([_rendered(each) for each in served], "coupler.json")

    @routes.get("/{id:path}", response_class=Response, responses={**_UNKNOWN, **_NAMED})
    def template(id: str) -> Response:  # noqa: A002 - the template's own word
        """One template, as a file for a modeler."""
        for each in find():
            if each.info.id == id:
                return _file(_rendered(each), f"{each.file}.json")
        raise HTTPException(404, f"No installed connector has a template {id!r}.")

    return routes


def _entry(each: Templated, connectors: Iterable[Registered]) -> models.Template:
    reason = _not_served_because(each, connectors)
    return models.Template(
        id=each.info.id,
        name=each.info.name or each.connector.name,
        version=each.info.version,
        description=each.info.description,
        file=f"{each.file}.json",
        plugin=each.plugin,
        job_type=each.connector.type,
        served=not reason,
        not_served_because=reason,
    )


def _not_served_because(each: Templated, connectors: Iterable[Registered]) -> str:
    plugin = each.plugin.replace("-", "_").lower()
    registered = next((one for one in connectors if one.plugin == plugin), None)
    if registered is None:
        return "the connector was installed after the start"
    if not registered.enabled:
        return registered.disabled_because
    if registered.type != each.connector.type:
        return f"the connector serves the job type {registered.type} here"
    return ""


def _file(content: Mapping[str, Any] | list[ElementTemplate], name: str) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    headers = {"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    return Response(text, media_type="application/json", headers=headers)
