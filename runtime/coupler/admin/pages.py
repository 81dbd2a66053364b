"""The page at ``/`` and the reference at ``/docs``: no assets of others, and no script but ours."""

from __future__ import annotations

import html
from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_TYPES = {"page.css": "text/css", "page.js": "text/javascript"}


def add_to(app: FastAPI) -> None:
    """Adds the pages to the application."""
    assets = {name: (files("coupler.admin") / "page" / name).read_text("utf-8") for name in ("index.html", *_TYPES)}

    @app.get("/", include_in_schema=False)
    async def page() -> HTMLResponse:
        """Connectors, jobs and incidents, refreshed by itself."""
        return HTMLResponse(assets["index.html"], headers=_HEADERS)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        """The API, from its OpenAPI description."""
        return HTMLResponse(_reference(app.openapi()), headers=_HEADERS)

    @app.get("/page.css", include_in_schema=False)
    async def css() -> Response:
        return Response(assets["page.css"], media_type=_TYPES["page.css"], headers=_HEADERS)

    @app.get("/page.js", include_in_schema=False)
    async def js() -> Response:
        return Response(assets["page.js"], media_type=_TYPES["page.js"], headers=_HEADERS)


def _reference(openapi: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{method.upper()}</code></td><td><code>{html.escape(path)}</code></td>"
        f"<td>{html.escape(operation.get('description', ''))}</td></tr>"
        for path, operations in openapi["paths"].items()
        for method, operation in operations.items()
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Coupler: admin API</title>'
        '<link rel="stylesheet" href="/page.css"><main><h1>Admin API</h1>'
        '<p>Machine-readable: <a href="/openapi.json">/openapi.json</a>. Back to the <a href="/">page</a>.</p>'
        f"<table><thead><tr><th>Method<th>Path<th>What it says</thead><tbody>{rows}</tbody></table></main></html>"
    )
