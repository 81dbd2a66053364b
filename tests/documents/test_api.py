"""The documents API over the store in a folder: our own client against it, and what others may send."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from coupler.documents.api import DocumentsApi
from coupler.documents.cluster import ClusterDocuments
from coupler.documents.files import FileDocumentStore
from coupler.documents.parts import Parts
from coupler.documents.reference import CamundaReference
from coupler.documents.service import Documents
from coupler.documents.store import DocumentNotFound, HashMismatch
from coupler.errors import InputError
from tests.documents.kit import http_engine, serving


@dataclass
class Served:
    """A served store, our client of it, and one that is not ours."""

    store: FileDocumentStore
    documents: Documents
    client: httpx.AsyncClient


@asynccontextmanager
async def served() -> AsyncIterator[Served]:
    """A store in a temporary folder behind the API."""
    store = FileDocumentStore.temporary(max_bytes=1_000_000)
    try:
        async with (
            serving(DocumentsApi(store)) as address,
            http_engine() as engine,
            httpx.AsyncClient(base_url=address, trust_env=False) as client,
        ):
            yield Served(store, Documents(ClusterDocuments(address, engine)), client)
    finally:
        await store.close()


async def test_the_whole_life_of_a_document() -> None:
    async with served() as it:
        document = await it.documents.create(b"\r\n--hello\r\n", file_name="grüße.txt", ttl_seconds=600)
        reference = document.source
        assert isinstance(reference, CamundaReference)
        assert (reference.store_id, document.content_type, document.size) == ("files", "text/plain", 11)
        assert document.metadata.expires_at is not None
        assert await document.read() == b"\r\n--hello\r\n"
        answer = await it.client.get(await document.link(60))
        assert answer.content == b"\r\n--hello\r\n"
        with pytest.raises(HashMismatch):
            await it.documents.document(CamundaReference(reference.document_id, "files", "0" * 64)).read()
        await it.documents.delete(document)
        with pytest.raises(DocumentNotFound):
            await document.read()
        assert (await it.client.get(f"/v2/document-links/{answer.url.path.rpartition('/')[2]}")).status_code == 404


async def test_other_clients_get_every_member() -> None:
    async with served() as it:
        files = {"file": ("a.html", b"<script>", "text/html"), "metadata": (None, b"{}", "application/json")}
        answer = await it.client.post("/v2/documents", params={"documentId": "a/../b"}, files=files)
        assert answer.status_code == 201
        reference = answer.json()
        assert reference["documentId"] == "a/../b"
        assert set(reference["metadata"]) == {
            "contentType",
            "fileName",
            "expiresAt",
            "size",
            "processDefinitionId",
            "processInstanceKey",
            "customProperties",
        }
        answer = await it.client.get("/v2/documents/a%2F..%2Fb")
        assert answer.content == b"<script>"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["x-content-type-options"] == "nosniff"
        again = await it.client.post("/v2/documents", params={"documentId": "a/../b"}, files=files)
        assert again.status_code == 409
        assert again.json()["detail"] == "A document with the id a/../b is already there."


async def test_metadata_before_and_after_the_file() -> None:
    said = json.dumps({"fileName": "b.csv", "processInstanceKey": "5", "customProperties": {"x": 1}}).encode()
    async with served() as it:
        for order in (("file", "metadata"), ("metadata", "file")):
            parts = {"file": ("a.txt", b"content"), "metadata": (None, said)}
            answer = await it.client.post("/v2/documents", files={name: parts[name] for name in order})
            metadata = answer.json()["metadata"]
            assert (metadata["fileName"], metadata["contentType"]) == ("b.csv", "text/plain")
            assert (metadata["processInstanceKey"], metadata["customProperties"]) == ("5", {"x": 1})


def form(*parts: str, end: str = "--b--\r\n") -> dict[str, Any]:
    """A hand-made form."""
    body = "".join(f"--b\r\n{part}\r\n" for part in parts) + end
    return {"content": body.encode(), "headers": {"Content-Type": "multipart/form-data; boundary=b"}}


FILE = 'Content-Disposition: form-data; name="file"\r\n\r\nx'
BAD = 'Content-Disposition: form-data; name="metadata"\r\n\r\n'


@pytest.mark.parametrize(
    ("request_", "status", "says"),
    [
        ({"content": b"x"}, 400, "must be multipart/form-data"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "with a boundary"),
        (form(), 400, "needs a part called file"),
        (form(FILE, end=""), 400, "ends too early"),
        (form(FILE, BAD + "{"), 400, "metadata is not JSON"),
        (form(FILE, BAD + "[]"), 400, "metadata must be a JSON object"),
        (form(FILE, BAD + '{"expiresAt":"1999-01-01T00:00:00Z"}'), 400, "gone already"),
        (form(FILE, BAD + '{"fileName":5}'), 400, "the fileName of a document must be text"),
        (form("X: " + "y" * 20_000 + "\r\n\r\n"), 400, "too long"),
        (form(*["X: y\r\n\r\n"] * 101), 400, "more than 100 parts"),
        (form(FILE + "x" * 1_000_001), 413, "1000000 bytes at most"),
        ({**form(FILE), "params": {"storeId": "aws"}}, 400, "There is no document store aws"),
    ],
)
async def test_bad_uploads_leave_nothing(request_: dict[str, Any], status: int, says: str) -> None:
    async with served() as it:
        answer = await it.client.post("/v2/documents", **request_)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert says in answer.json()["detail"]
        assert it.store._temporary is not None
        assert list(it.store._temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/documents/x", 404),
        ("GET", "/v2/documents/..%2F..%2Fetc%2Fpasswd", 404),
        ("DELETE", "/v2/documents/x", 404),
        ("POST", "/v2/documents/x/links", 404),
        ("GET", "/v2/document-links/x", 404),
        ("PUT", "/v2/documents/x", 405),
        ("GET", "/v2/documents", 405),
        ("GET", "/v2/other", 404),
    ],
)
async def test_what_is_not_there(method: str, path: str, status: int) -> None:
    async with served() as it:
        answer = await it.client.request(method, path)
        assert answer.status_code == status
        assert answer.json()["status"] == status
        assert answer.json()["instance"] == path


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"timeToLive":0}', b'{"timeToLive":"1"}'])
async def test_bad_wishes_for_links(body: bytes) -> None:
    async with served() as it:
        reference = (await it.documents.create(b"x")).reference()
        answer = await it.client.post(f"/v2/documents/{reference['documentId']}/links", content=body)
        assert answer.status_code == 400


def test_paths_that_are_served() -> None:
    assert DocumentsApi.serves("/v2/documents")
    assert DocumentsApi.serves("/v2/documents/x/links")
    assert DocumentsApi.serves("/v2/document-links/x")
    assert not DocumentsApi.serves("/v2/documentsx")
    assert not DocumentsApi.serves("/v2/jobs")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
async def test_forms_in_pieces_of_any_size(size: int) -> None:
    body = form(
        'Content-Disposition: form-data; name="a"; filename="x"\r\n\r\none\r\n--ad\r\n--',
        "content-disposition: form-data; name=b\r\nContent-Type: text/x\r\n\r\n",
    )["content"]

    async def source() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    found = []
    async for part in Parts(source(), b"b"):
        content = b"".join([piece async for piece in part.pieces])
        found.append((part.name, part.file_name, part.content_type, content))
    assert found == [("a", "x", None, b"one\r\n--ad\r\n--"), ("b", None, "text/x", b"")]


async def test_a_form_without_end_is_refused() -> None:
    async def source() -> AsyncIterator[bytes]:
        yield b"--b\r\n"

    with pytest.raises(InputError, match="ends too early"):
        async for _ in Parts(source(), b"b"):
            pass
