"""Documents in REST calls: in JSON, as files, and made of responses."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Any

import pytest

from coupler.documents.reference import parse_reference
from coupler.documents.service import Documents
from coupler.errors import ConnectorError
from tests.connectors.kit import Bench
from tests.http.server import Received, Server, always, reply


def inline(content: str, **metadata: str) -> dict[str, str]:
    return {"camunda.document.type": "inline", "content": content, **metadata}


async def content_of(rest: Bench, reference: dict[str, Any]) -> bytes:
    return await rest.documents.document(parse_reference(reference)).read()


async def test_a_document_in_a_json_body_becomes_base64(rest: Bench) -> None:
    body = {"file": inline("hello"), "deep": [{"file": inline("ü")}], "n": None}
    async with Server(always(reply())) as server:
        await rest.run({"method": "POST", "url": server.url, "body": body})
    hello, umlaut = (b64encode(text.encode()).decode() for text in ("hello", "ü"))
    assert server.last.body == f'{{"file":"{hello}","deep":[{{"file":"{umlaut}"}}],"n":null}}'.encode()


@pytest.mark.parametrize("body", [inline("hello"), [inline("hello"), 1]])
async def test_a_document_at_the_top_of_a_body_too(rest: Bench, body: Any) -> None:
    async with Server(always(reply())) as server:
        await rest.run({"method": "POST", "url": server.url, "body": body})
    assert b'"aGVsbG8="' in server.last.body


async def test_a_document_as_a_header_or_parameter_is_base64(rest: Bench) -> None:
    async with Server(always(reply())) as server:
        await rest.run({"method": "GET", "url": server.url, "headers": {"X-Doc": inline("hello")}})
    assert server.last.one("x-doc") == "aGVsbG8="


async def test_a_function_in_a_token(rest: Bench) -> None:
    token = {"camunda.function.type": "base64", "params": [inline("hello")]}
    async with Server(always(reply())) as server:
        await rest.run({"method": "GET", "url": server.url, "authentication": {"type": "bearer", "token": token}})
    assert server.last.one("authorization") == "Bearer aGVsbG8="


async def test_documents_become_files_of_a_form(rest: Bench) -> None:
    body = {
        "one": inline("first", name="a.txt", contentType="text/plain"),
        "many": [inline("second", name='q"uote.bin'), inline("third", name="ü.json", contentType="no type at all")],
        "text": "v",
    }
    async with Server(always(reply())) as server:
        await rest.run(
            {"method": "POST", "url": server.url, "body": body, "headers": {"Content-Type": "multipart/form-data"}}
        )
    received = server.last
    boundary = (received.one("content-type") or "").partition("boundary=")[2]
    parts = [part.strip(b"\r\n") for part in received.body.split(f"--{boundary}".encode())[1:-1]]
    heads, contents = zip(*(part.split(b"\r\n\r\n", 1) for part in parts), strict=True)
    assert contents == (b"first", b"second", b"third", b"v")
    assert heads[0].decode() == (
        'Content-Disposition: form-data; name="one"; filename="a.txt"\r\nContent-Type: text/plain'
    )
    assert 'name="many"; filename="q%22uote.bin"' in heads[1].decode()
    assert 'name="many"; filename="ü.json"\r\nContent-Type: application/octet-stream' in heads[2].decode()
    assert received.one("content-length") == str(len(received.body))


async def test_a_large_document_is_passed_on_in_pieces(rest: Bench) -> None:
    content = b"0123456789" * 500_000
    stored = await rest.documents.create(content, file_name="large.bin")
    body = {"file": stored.reference()}

    async def once_moved(request: Received, writer: asyncio.StreamWriter) -> bytes:
        return reply(307, headers=[("Location", "/end")]) if request.target == "/" else reply()

    async with Server(once_moved) as server:
        await rest.run(
            {
                "method": "POST",
                "url": server.url,
                "body": body,
                "headers": {"Content-Type": "multipart/form-data"},
                "followRedirects": True,
            }
        )
    assert [content in request.body for request in server.requests] == [True, True]
    assert server.last.one("transfer-encoding") == "chunked"
    assert b'filename="large.bin"' in server.last.body


@pytest.mark.parametrize("wish", [{"storeResponse": True}, {"documentReturnFormat": {"choice": "DOCUMENT"}}])
async def test_a_response_becomes_a_document(rest: Bench, wish: dict[str, Any]) -> None:
    content = b"\x89PNG" + bytes(range(256)) * 10_000
    async with Server(always(reply(body=content, headers=[("Content-Type", "image/png")]))) as server:
        result = await rest.run({"method": "GET", "url": server.url, **wish})
    assert (result["status"], result["body"], result["reason"]) == (200, None, "OK")
    assert result["headers"]["Content-Type"] == "image/png"
    assert result["document"]["metadata"]["contentType"] == "image/png"
    assert await content_of(rest, result["document"]) == content


async def test_a_chosen_format_beats_the_old_flag(rest: Bench) -> None:
    async with Server(always(reply(body="{}"))) as server:
        result = await rest.run(
            {"method": "GET", "url": server.url, "storeResponse": True, "documentReturnFormat": {"choice": "JSON"}}
        )
    assert (result["body"], result["document"]) == ({}, None)


async def test_an_empty_answer_becomes_an_empty_document(rest: Bench) -> None:
    async with Server(always(b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n")) as server:
        result = await rest.run({"method": "GET", "url": server.url, "storeResponse": True})
    assert result["headers"] == {"X-A": "1"}
    assert await content_of(rest, result["document"]) == b""


async def test_an_error_is_not_stored(rest: Bench) -> None:
    async with Server(always(reply(404, '{"gone": 1}', reason="Not Found"))) as server:
        with pytest.raises(ConnectorError) as caught:
            await rest.run({"method": "GET", "url": server.url, "storeResponse": True})
    assert (caught.value.code, caught.value.message) == ("404", "Not Found")
    assert caught.value.variables is not None
    assert caught.value.variables["response"]["body"] == {"gone": 1}


async def test_without_a_store(rest: Bench) -> None:
    rest.documents = Documents()
    async with Server(always(reply(body="x"))) as server:
        with pytest.raises(ConnectorError, match="HTTP request: Failed to create document: ") as caught:
            await rest.run({"method": "GET", "url": server.url, "storeResponse": True})
    assert caught.value.code == "500"
    assert "answered with status 200" in caught.value.message


async def test_a_response_that_breaks_off_is_not_stored(rest: Bench) -> None:
    async def cut(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(body="half", length=100))
        await writer.drain()

    async with Server(cut) as server:
        with pytest.raises(ConnectorError) as caught:
            await rest.run({"method": "GET", "url": server.url, "documentReturnFormat": {"choice": "DOCUMENT"}})
    assert caught.value.code == "500"
