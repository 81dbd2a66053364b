"""The documents part of the Orchestration Cluster REST API v2 over a store in a folder, as an ASGI application.

POST   /v2/documents                       store a document; 201 with its reference
GET    /v2/documents/{documentId}          its content
DELETE /v2/documents/{documentId}          204
POST   /v2/documents/{documentId}/links    201 with a URL that needs no credentials
GET    /v2/document-links/{token}          the content behind such a URL
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs, quote, unquote

from coupler import json
from coupler.documents.content import ContentTooLarge, read_all
from coupler.documents.files import FileDocumentStore
from coupler.documents.names import header_safe
from coupler.documents.parts import Part, Parts, boundary_of
from coupler.documents.reference import CamundaReference, Metadata, parse_metadata
from coupler.documents.store import DocumentExists, DocumentNotFound, HashMismatch, NewDocument
from coupler.errors import InputError

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

DOCUMENTS: Final = "documents"
LINKS: Final = "document-links"
_MAX_METADATA_BYTES: Final = 256 * 1024
_STATUS: Final[tuple[tuple[type[InputError], HTTPStatus], ...]] = (
    (DocumentNotFound, HTTPStatus.NOT_FOUND),
    (DocumentExists, HTTPStatus.CONFLICT),
    (HashMismatch, HTTPStatus.BAD_REQUEST),
    (ContentTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (InputError, HTTPStatus.BAD_REQUEST),
)


class _Disconnected(Exception):
    """The client is gone."""


class _Request:
    """One request as ASGI gives it."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        raw = scope.get("raw_path") or quote(scope["path"]).encode()
        self.path = raw.decode("latin-1").partition("?")[0]
        # Taken apart before it is decoded: an encoded slash belongs to the id.
        self.segments = [unquote(segment) for segment in self.path.split("/")[1:]]
        self.method: str = scope["method"]
        self.query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.scheme = str(scope.get("scheme", "http"))
        self._receive = receive

    async def body(self) -> AsyncIterator[bytes]:
        """The body as it arrives."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise _Disconnected
            if piece := message.get("body"):
                yield piece
            if not message.get("more_body"):
                return

    def reference(self, document_id: str) -> CamundaReference:
        """The document that path and query speak of."""
        return CamundaReference(document_id, self.query.get("storeId"), self.query.get("contentHash"))


class DocumentsApi:
    """Serves one store. Mount it where the other v2 calls are served; it looks at the whole path."""

    def __init__(self, store: FileDocumentStore) -> None:
        self._store = store

    @staticmethod
    def serves(path: str) -> bool:
        """Whether a path is one of this application's."""
        return path.startswith((f"/v2/{DOCUMENTS}/", f"/v2/{LINKS}/")) or path == f"/v2/{DOCUMENTS}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        request = _Request(scope, receive)
        try:
            await self._route(request, send)
        except InputError as error:
            status = next(status for kind, status in _STATUS if isinstance(error, kind))
            await _problem(send, request, status, str(error))
        except _Disconnected:
            return

    async def _route(self, request: _Request, send: Send) -> None:
        match request.method, request.segments:
            case "POST", ["v2", "documents"]:
                await _answer(send, HTTPStatus.CREATED, await self._create(request))
            case "GET", ["v2", "documents", document_id]:
                await self._content(request.reference(document_id), send)
            case "DELETE", ["v2", "documents", document_id]:
                await self._store.delete(request.reference(document_id))
                await _answer(send, HTTPStatus.NO_CONTENT)
            case "POST", ["v2", "documents", document_id, "links"]:
                await _answer(send, HTTPStatus.CREATED, await self._link(request, document_id))
            case "GET", ["v2", "document-links", token]:
                await self._content(await self._store.open_link(token), send)
            case _, ["v2", "documents" | "document-links", *_]:
                await _problem(send, request, HTTPStatus.METHOD_NOT_ALLOWED, f"{request.method} is not possible here.")
            case _:
                await _problem(send, request, HTTPStatus.NOT_FOUND, "There is nothing here.")

    async def _create(self, request: _Request) -> dict[str, Any]:
        store_id = request.query.get("storeId")
        if store_id not in (None, self._store.name):
            raise InputError(f"There is no document store {store_id}; this one is called {self._store.name}.")
        form = _Form(Parts(request.body(), boundary_of(request.headers.get("content-type", ""))))
        reference = await self._store.create(form.content(), form.new, document_id=request.query.get("documentId"))
        return complete(reference)

    async def _link(self, request: _Request, document_id: str) -> dict[str, Any]:
        wish = _decoded(await read_all(request.body(), _MAX_METADATA_BYTES) or b"{}", "The body")
        milliseconds = wish.get("timeToLive")
        if milliseconds is not None and (type(milliseconds) is not int or milliseconds <= 0):
            raise InputError("timeToLive must be a number of milliseconds, more than 0.")
        seconds = None if milliseconds is None else milliseconds / 1000
        token, expires_at = await self._store.signed(request.reference(document_id), seconds)
        host = request.headers.get("host", "localhost")
        return {"url": f"{request.scheme}://{host}/v2/{LINKS}/{token}", "expiresAt": expires_at}

    async def _content(self, reference: CamundaReference, send: Send) -> None:
        async with self._store.open(reference) as content:
            await send({"type": "http.response.start", "status": 200, "headers": _content_headers(content.metadata)})
            async for piece in content.pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


class _Form:
    """The upload: the parts ``file`` and ``metadata``, in any order."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._file: Part | None = None
        self._metadata = Metadata()

    async def content(self) -> AsyncIterator[bytes]:
        """The file's content; at its end the other parts have been read as well."""
        async for part in self._parts:
            if part.name == "file" and self._file is None:
                self._file = part
                async for piece in part.pieces:
                    yield piece
            elif part.name == "metadata":
                self._metadata = parse_metadata(_decoded(await read_all(part.pieces, _MAX_METADATA_BYTES), "metadata"))
        if self._file is None:
            raise InputError("The form needs a part called file.")

    def new(self) -> NewDocument:
        """What the form said."""
        assert self._file is not None
        said = self._metadata
        return NewDocument(
            file_name=said.file_name or self._file.file_name,
            content_type=said.content_type or self._file.content_type,
            expires_at=said.expires_at,
            custom_properties=said.custom_properties,
            process_definition_id=said.process_definition_id,
            process_instance_key=said.process_instance_key,
        )


def complete(reference: CamundaReference) -> dict[str, Any]:
    """The JSON form with every member of the metadata, as generated clients of the API expect."""
    said = reference.metadata
    return {
        **reference.to_json(),
        "metadata": {
            "contentType": said.content_type,
            "fileName": said.file_name,
            "expiresAt": said.expires_at,
            "size": said.size,
            "processDefinitionId": said.process_definition_id,
            "processInstanceKey": said.process_instance_key,
            "customProperties": said.custom_properties,
        },
    }


def _decoded(text: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (json.Malformed, UnicodeDecodeError) as error:
        raise InputError(f"{what} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"{what} must be a JSON object.")
    return value


def _content_headers(metadata: Metadata) -> list[tuple[bytes, bytes]]:
    """Whatever the content says it is, a browser must download it and not show it as a page of this server."""
    name = quote(metadata.file_name or "document", safe="")
    return [
        (
            b"content-type",
            header_safe(metadata.content_type).encode(),
        ),
        (b"content-length", str(metadata.size).encode()),
        (b"content-disposition", f"attachment; filename*=UTF-8''{name}".encode()),
        (b"x-content-type-options", b"nosniff"),
    ]


async def _problem(send: Send, request: _Request, status: HTTPStatus, detail: str) -> None:
    problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "instance": request.path,
    }
    await _answer(send, status, problem, b"application/problem+json")


async def _answer(send: Send, status: HTTPStatus, value: Any = None, media_type: bytes = b"application/json") -> None:
    body = b"" if value is None else json.dump_bytes(value)
    headers = [(b"content-length", str(len(body)).encode())] if status is not HTTPStatus.NO_CONTENT else []
    if body:
        headers.append((b"content-type", media_type))
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})


__all__ = ["DocumentsApi", "complete"]
