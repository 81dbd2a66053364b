"""Refusals, silence and broken connections, and what the engine is told of them."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from coupler.errors import ConnectorError, InputError, RetryLater
from coupler.sdk.documents import UploadFailed
from tests.connectors.kit import Bench
from tests.connectors.s3.kit import Place, configured, inline
from tests.http.server import Handler, Received, Server, always, reply

MIB = 1024 * 1024
DOCUMENT = {"documentReturnFormat": {"choice": "DOCUMENT"}}


def error(status: int, code: str, message: str = "It is so", **headers: str) -> bytes:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return reply(status, body, [("Content-Type", "application/xml"), *headers.items()])


async def run(bench: Bench, handler: Handler, action: str = "deleteObject", headers: Any = None, **more: Any) -> Any:
    """One job on a server that answers as the test wants."""
    async with Server(handler) as server:
        variables = {
            "actionDiscriminator": action,
            "authentication": {"accessKey": "AK", "secretKey": "the-secret"},
            "configuration": {"region": "r", "endpoint": server.url, "addressingStyle": "path"},
            "action": {"bucket": "orders", "key": "k", **more},
            **DOCUMENT,
        }
        return await bench.run(variables, **(headers or {}))


@pytest.mark.parametrize(
    ("action", "given", "code"),
    [
        ("downloadObject", {"key": "missing"}, "NoSuchKey"),
        ("downloadObject", {"key": "k", "bucket": "no-such-bucket-here"}, "NoSuchBucket"),
        ("uploadObject", {"bucket": "no-such-bucket-here", "document": inline("x")}, "NoSuchBucket"),
        ("listObjects", {"bucket": "no-such-bucket-here"}, "NoSuchBucket"),
        ("headObject", {"key": "missing"}, "NoSuchKey"),
        ("copyObject", {"key": "k", "sourceKey": "missing"}, "NoSuchKey"),
    ],
)
async def test_the_codes_of_s3(place: Place, action: str, given: dict[str, Any], code: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        await place.run(action, **given)
    assert caught.value.code == code
    assert not isinstance(caught.value, RetryLater)
    assert "(Service: S3, Status Code: 404" in caught.value.message


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("downloadObject", {"bucket": "Not A Bucket", "key": "k"}),
        ("uploadObject", {"key": "k", "document": inline("x"), "metadata": {"by": "Zoë"}}),
        ("copyObject", {"key": "k", "sourceBucket": "a/b", "sourceKey": ""}),
    ],
)
async def test_what_cannot_be_asked_has_no_retries(place: Place, action: str, given: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        await place.run(action, **given)


async def test_input_that_s3_refuses_for_good(place: Place) -> None:
    with pytest.raises(RetryLater) as caught:
        await place.run("uploadObject", key="k", document=inline("x"), storageClass="NO_SUCH_CLASS")
    assert (caught.value.code, caught.value.retries) == ("InvalidStorageClass", 0)


@pytest.mark.parametrize(
    ("answer", "headers", "after"),
    [
        (error(503, "SlowDown"), {}, 30.0),
        (error(503, "SlowDown", **{"Retry-After": "7"}), {}, 7.0),
        (error(429, "TooManyRequests"), {}, 30.0),
        (error(503, "SlowDown", **{"Retry-After": "7"}), {"retryBackoff": "PT1M"}, None),
    ],
)
async def test_a_busy_server(bench: Bench, answer: bytes, headers: dict[str, str], after: float | None) -> None:
    await configured(bench, attempts=1)
    with pytest.raises(RetryLater) as caught:
        await run(bench, always(answer), headers=headers)
    assert (caught.value.after_seconds, caught.value.retries) == (after, None)


async def test_attempts_within_a_job(bench: Bench) -> None:
    await configured(bench, attempts=2)
    answers = [error(500, "InternalError"), reply(204)]

    async def handler(request: Received, writer: object) -> bytes:
        return answers.pop(0)

    assert await run(bench, handler) == {"bucket": "orders", "key": "k"}


async def test_a_body_is_sent_again_from_its_start(bench: Bench) -> None:
    await configured(bench, attempts=2, memory_bytes=1000)
    received: list[bytes] = []

    async def handler(request: Received, writer: object) -> bytes:
        received.append(request.body)
        return error(500, "InternalError") if len(received) == 1 else reply(200, headers=[("ETag", '"e"')])

    content = "0123456789" * 100_000
    result = await run(bench, handler, "uploadObject", document=inline(content))
    assert (result["eTag"], received) == ("e", [content.encode()] * 2)


async def test_access_denied_shows_no_secret(bench: Bench) -> None:
    with pytest.raises(ConnectorError) as caught:
        await run(bench, always(error(403, "AccessDenied", "Access Denied")))
    assert caught.value.code == "AccessDenied"
    assert "the-secret" not in caught.value.message


@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (404, "NoSuchKey"), (400, "BadRequest")])
async def test_a_head_has_but_a_status(bench: Bench, status: int, code: str) -> None:
    async def handler(request: Received, writer: object) -> bytes:
        return reply(status, b"")

    with pytest.raises(ConnectorError) as caught:
        await run(bench, handler, "headObject")
    assert caught.value.code == code


async def test_a_server_that_is_not_there(bench: Bench) -> None:
    await configured(bench, attempts=1)
    async with Server(always(b"")) as server:
        port = server.port
    variables = {
        "actionDiscriminator": "deleteObject",
        "authentication": {"accessKey": "AK", "secretKey": "SK"},
        "configuration": {"region": "r", "endpoint": f"http://127.0.0.1:{port}"},
        "action": {"bucket": "orders", "key": "k"},
    }
    with pytest.raises(ConnectorError) as caught:
        await bench.run(variables)
    assert caught.value.code == "CONNECTION_FAILED"


async def test_a_server_that_says_nothing(bench: Bench) -> None:
    await configured(bench, attempts=1, read_timeout_seconds=0.2)

    async def silent(request: Received, writer: object) -> None:
        await asyncio.sleep(60)

    with pytest.raises(ConnectorError) as caught:
        await run(bench, silent)
    assert caught.value.code == "TIMEOUT"


def half(content: bytes, sent: int, start: int = 0) -> bytes:
    """An object that breaks off."""
    head = [("ETag", '"e1"'), ("Content-Type", "text/plain"), ("Last-Modified", "Mon, 02 Nov 2026 10:00:00 GMT")]
    whole = content[start:]
    return reply(206 if start else 200, whole[:sent], head, length=len(whole))


@pytest.mark.parametrize("memory_bytes", [1000, 8 * MIB])
async def test_a_download_that_breaks_off_is_taken_up_again(bench: Bench, memory_bytes: int) -> None:
    await configured(bench, memory_bytes=memory_bytes)
    content = bytes(range(256)) * 16_000
    ranges: list[tuple[str | None, str | None]] = []

    async def handler(request: Received, writer: asyncio.StreamWriter) -> bytes | None:
        ranges.append((request.one("range"), request.one("if-match")))
        start = int((request.one("range") or "bytes=0-")[6:-1])
        writer.write(half(content, 1_500_000, start))
        await writer.drain()
        return None

    result = await run(bench, handler, "downloadObject")
    assert result["element"]["document"]["contentHash"] == hashlib.sha256(content).hexdigest()
    assert ranges == [(None, None), ("bytes=1500000-", '"e1"'), ("bytes=3000000-", '"e1"')]


async def test_an_object_that_changes_while_it_is_read(bench: Bench) -> None:
    await configured(bench, memory_bytes=1000)
    content = b"x" * 4_000_000

    async def handler(request: Received, writer: asyncio.StreamWriter) -> bytes | None:
        if request.one("range"):
            return error(412, "PreconditionFailed")
        writer.write(half(content, 1_500_000))
        await writer.drain()
        return None

    with pytest.raises(ConnectorError) as caught:
        await run(bench, handler, "downloadObject")
    assert caught.value.code == "PreconditionFailed"


async def test_a_download_that_keeps_breaking_off(bench: Bench) -> None:
    await configured(bench, memory_bytes=1000, attempts=2)

    async def handler(request: Received, writer: asyncio.StreamWriter) -> bytes | None:
        writer.write(half(b"x" * 4_000_000, 0, 0 if request.one("range") is None else 1))
        await writer.drain()
        return None

    with pytest.raises(ConnectorError) as caught:
        await run(bench, handler, "downloadObject")
    assert (caught.value.code, isinstance(caught.value, UploadFailed)) == ("CONNECTION_FAILED", False)


async def test_a_store_that_fails_is_not_s3(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: Any, **__: Any) -> None:
        raise ConnectorError("The disk is full.")

    monkeypatch.setattr(place.bench.documents, "create", full)
    place.put("k", b"x")
    with pytest.raises(UploadFailed, match="The disk is full"):
        await place.run("downloadObject", DOCUMENT, key="k")


async def test_an_external_document_that_cannot_be_fetched(place: Place) -> None:
    async with Server(always(reply(404))) as server:
        document = {"camunda.document.type": "external", "url": f"{server.url}/a.txt"}
        with pytest.raises((ConnectorError, InputError)):
            await place.run("uploadObject", document=document)
    assert "Contents" not in place.client.list_objects_v2(Bucket=place.bucket)


async def test_an_external_document_of_unknown_length(place: Place) -> None:
    async def handler(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"3\r\na,b\r\n0\r\n\r\n")
        await writer.drain()

    async with Server(handler) as server:
        document = {"camunda.document.type": "external", "url": f"{server.url}/x", "name": "a.csv"}
        result = await place.run("uploadObject", document=document)
    body, answer = place.get("a.csv")
    assert (result["key"], result["size"], body, answer["ContentType"]) == ("a.csv", 3, b"a,b", "text/csv")
