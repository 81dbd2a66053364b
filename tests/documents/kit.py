"""Servers on real sockets: one that speaks the documents API by other means than ours, and plain ones for content."""

from __future__ import annotations

import asyncio
import email
import hashlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, unquote

import uvicorn

from coupler.http.config import EgressConfig, HttpConfig
from coupler.http.engine import Engine

App = Callable[[Any, Any, Any], Awaitable[None]]


@asynccontextmanager
async def serving(app: App) -> AsyncIterator[str]:
    """Serves an ASGI application on a free port of loopback; gives its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="warning", lifespan="off", ws="none", access_log=False)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server._serve([listener]))
        try:
            async with asyncio.timeout(20):
                while not server.started:
                    await asyncio.sleep(0.005)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@asynccontextmanager
async def http_engine(**egress: Any) -> AsyncIterator[Engine]:
    """The runtime's HTTP engine."""
    engine = Engine(HttpConfig(egress=EgressConfig(**egress)))
    try:
        yield engine
    finally:
        await engine.close()


async def respond(send: Any, status: int, body: bytes = b"", **headers: str) -> None:
    """One whole answer; underscores in header names are hyphens."""
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


class ClientGone(Exception):
    """The client hung up before its request was whole."""


async def whole_body(receive: Any) -> bytes:
    """The request's body."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


@dataclass
class Upload:
    """What the cluster was sent."""

    content: bytes
    metadata: dict[str, Any]
    file_name: str | None
    content_type: str
    headers: dict[str, str]


@dataclass
class FakeCluster:
    """The documents API of a cluster, with Python's own mail parser for the forms.

    ``answers`` are statuses to give before it works again.
    """

    uploads: list[Upload] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        path = scope["raw_path"].decode().partition("?")[0]
        self.requests.append((scope["method"], path, query))
        self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        try:
            body = await whole_body(receive)
        except ClientGone:
            return
        if self.answers:
            status, problem = self.answers.pop(0)
            await respond(send, status, json.dumps(problem).encode(), content_type="application/problem+json")
            return
        if path == "/v2/documents":
            await self._create(scope, body, send)
            return
        document_id = unquote(path.removeprefix("/v2/documents/").removesuffix("/links"))
        await self._existing(scope["method"], document_id, query, body, send)

    async def _create(self, scope: Any, body: bytes, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        parts = _parts(headers["content-type"], body)
        metadata = json.loads(parts["metadata"].get_payload(decode=True))  # type: ignore[arg-type]
        content = parts["file"].get_payload(decode=True)
        assert isinstance(content, bytes)
        upload = Upload(content, metadata, parts["file"].get_filename(), parts["file"].get_content_type(), headers)
        self.uploads.append(upload)
        document_id = f"document-{len(self.uploads)}"
        self.contents[document_id] = content
        reference = {
            "camunda.document.type": "camunda",
            "storeId": "in-memory",
            "documentId": document_id,
            "contentHash": hashlib.sha256(content).hexdigest(),
            "metadata": {
                "contentType": metadata.get("contentType"),
                "fileName": metadata.get("fileName"),
                "size": len(content),
                "expiresAt": metadata.get("expiresAt"),
                "customProperties": metadata.get("customProperties") or {},
                "processDefinitionId": None,
                "processInstanceKey": None,
            },
        }
        await respond(send, 201, json.dumps(reference).encode(), content_type="application/json")

    async def _existing(self, method: str, document_id: str, query: Any, body: bytes, send: Any) -> None:
        content = self.contents.get(document_id)
        if content is None:
            problem = {"title": "NOT_FOUND", "detail": f"Document with id '{document_id}' not found"}
            await respond(send, 404, json.dumps(problem).encode(), content_type="application/problem+json")
        elif method == "POST":
            self.links.append(json.loads(body))
            link = {"url": f"https://store.example/{document_id}", "expiresAt": "2030-01-01T00:00:00Z"}
            await respond(send, 201, json.dumps(link).encode(), content_type="application/json")
        elif method == "DELETE":
            del self.contents[document_id]
            await respond(send, 204)
        elif query.get("contentHash") not in (None, hashlib.sha256(content).hexdigest()):
            problem = {"title": "INVALID_ARGUMENT", "detail": "Content hash mismatch"}
            await respond(send, 400, json.dumps(problem).encode(), content_type="application/problem+json")
        else:
            await respond(send, 200, content, content_type="application/x-kept")


def _parts(content_type: str, body: bytes) -> dict[str, Message]:
    message = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    parts = message.get_payload()
    assert isinstance(parts, list)
    found = {}
    for part in parts:
        assert isinstance(part, Message)
        found[str(part.get_param("name", header="Content-Disposition"))] = part
    return found


def content_server(content: bytes, status: int = 200, seen: list[dict[str, str]] | None = None, **headers: str) -> App:
    """An application that answers every GET with the same content."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await whole_body(receive)
        if seen is not None:
            seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await respond(send, status, content, content_length=str(len(content)), **headers)

    return app


def inline(content: Any, name: str | None = None, content_type: str | None = None) -> dict[str, Any]:
    """An inline reference."""
    reference = {"camunda.document.type": "inline", "content": content}
    if name is not None:
        reference["name"] = name
    if content_type is not None:
        reference["contentType"] = content_type
    return reference


def external(url: str, name: str | None = None) -> dict[str, Any]:
    """An external reference."""
    reference = {"camunda.document.type": "external", "url": url}
    return reference if name is None else {**reference, "name": name}


def stored(document_id: str, **members: Any) -> dict[str, Any]:
    """A reference to a stored document."""
    return {"camunda.document.type": "camunda", "documentId": document_id, **members}


def call(name: str, *parameters: Any) -> dict[str, Any]:
    """A call of an intrinsic function."""
    return {"camunda.function.type": name, "params": list(parameters)}
