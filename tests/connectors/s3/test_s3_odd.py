"""Odd keys, odd texts, and what must not be left behind."""

from __future__ import annotations

import asyncio
import os
import re
import threading
from typing import Any

import pytest

from coupler.errors import ConnectorError, InputError, RetryLater
from coupler_s3.threads import CutShort, Owned
from tests.connectors.kit import Bench
from tests.connectors.s3.kit import Place, configured, inline, memory_taken
from tests.connectors.s3.slow import SlowS3
from tests.http.server import Received, Server, always, reply

MIB = 1024 * 1024
KEYS = [
    "a b",
    "/start",
    "a//b",
    "../up",
    "a?b#c",
    "100%25",
    "ü/日本/🚀",
    "a+b&c=d",
    "'\"<>",
    "end/",
    ".",
    "a\tb",
]


def job(url: str, action: str, **given: Any) -> dict[str, Any]:
    """Variables of a job on a server of the test."""
    return {
        "actionDiscriminator": action,
        "authentication": {"accessKey": "AK", "secretKey": "SK"},
        "configuration": {"region": "r", "endpoint": url, "addressingStyle": "path"},
        "action": {"bucket": "orders", "key": "k", **given},
        "documentReturnFormat": {"choice": "DOCUMENT"},
    }


@pytest.mark.parametrize("key", KEYS)
async def test_odd_keys(place: Place, key: str) -> None:
    sent = await place.run("uploadObject", key=key, document=inline("x"))
    assert sent["key"] == key
    text = {"documentReturnFormat": {"choice": "TEXT"}}
    assert (await place.run("downloadObject", text, key=key))["element"] == {"content": "x"}
    assert [each["key"] for each in (await place.run("listObjects"))["objects"]] == [key]
    await place.run("copyObject", key="copy", sourceKey=key)
    await place.run("deleteObject", key=key)
    assert [each["key"] for each in (await place.run("listObjects"))["objects"]] == ["copy"]


async def test_what_s3_refuses_for_good_has_a_code_and_no_retries(bench: Bench) -> None:
    async with Server(always(reply(400, "<Error><Code>KeyTooLongError</Code></Error>"))) as server:
        with pytest.raises(RetryLater) as caught:
            await bench.run(job(server.url, "deleteObject", key="k" * 1025))
    assert (caught.value.code, caught.value.retries) == ("KeyTooLongError", 0)


@pytest.mark.parametrize(
    "given",
    [
        {"metadata": {"a": "x\r\nX-Evil: 1"}},
        {"metadata": {"a\n": "x"}},
        {"contentType": "text/plain\r\nX-Evil: 1"},
        {"storageClass": "A\nB"},
        {"serverSideEncryption": "a\x00b"},
        {"document": inline("x", content_type="text/plain\nX-Evil: 1")},
    ],
)
async def test_texts_that_no_header_can_have(place: Place, given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="printable ASCII"):
        await place.run("uploadObject", **{"key": "k", "document": inline("x"), **given})


async def test_keys_that_end_with_a_line_break(place: Place) -> None:
    place.put("k", b"x")
    keys = {"accessKey": "test\n", "secretKey": " test\r\n"}
    assert (await place.run("headObject", {"authentication": keys}, key="k"))["size"] == 1


async def test_nothing_is_left_open(bench: Bench) -> None:
    await configured(bench, memory_bytes=1000, multipart_bytes=6 * MIB, part_bytes=5 * MIB)
    document = (await bench.documents.create(b"x" * 12 * MIB)).reference()

    def start(url: str, action: str, **given: Any) -> asyncio.Task[Any]:
        return asyncio.create_task(bench.run(job(url, action, **given)))

    async with SlowS3("none") as server:
        await start(server.url, "uploadObject", document=document)
        before = open_files()
        for _ in range(3):
            await start(server.url, "uploadObject", document=document)
            await start(server.url, "downloadObject")
    for hold, action, given in (("PUT", "uploadObject", {"document": document}), ("GET", "downloadObject", {})):
        async with SlowS3(hold) as server:
            task = start(server.url, action, **given)
            await server.until_begun(hold)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            server.go_on.set()
    assert memory_taken(bench) == 0
    async with asyncio.timeout(30):
        while (left := open_files() - before) and any("coupler-s3-" in name or "deleted" in name for name in left):
            await asyncio.sleep(0.02)


def open_files() -> set[str]:
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue
    return found


def test_what_is_owned_is_closed_by_who_comes_last() -> None:
    closed: list[str] = []
    owned = Owned("file", closed.append)
    with owned.use() as thing:
        assert thing == "file"
        closer = threading.Thread(target=owned.close)
        closer.start()
        closer.join(10)  # waits for nobody
        assert not closer.is_alive()
        assert closed == []
    assert closed == ["file"]
    owned.close()
    assert closed == ["file"]
    with pytest.raises(CutShort), owned.use():
        pass


async def test_a_role_is_assumed_again_before_its_credentials_end(bench: Bench) -> None:
    asked: list[Received] = []

    async def sts(request: Received, writer: object) -> bytes:
        asked.append(request)
        expiration = "2020-01-01T00:00:00Z" if len(asked) < 3 else "2099-01-01T00:00:00Z"
        keys = f"<AccessKeyId>ROLE{len(asked)}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
        credentials = f"{keys}<SessionToken>t</SessionToken><Expiration>{expiration}</Expiration>"
        result = f"<AssumeRoleResult><Credentials>{credentials}</Credentials></AssumeRoleResult>"
        return reply(body=f"<AssumeRoleResponse>{result}</AssumeRoleResponse>")

    async def s3(request: Received, writer: object) -> bytes:
        return reply(204)

    signers = []
    async with Server(sts) as role_server, Server(s3) as server:
        await configured(bench, sts_endpoint=role_server.url)
        for _ in range(5):
            await bench.run(
                {
                    "actionDiscriminator": "deleteObject",
                    "authentication": {
                        "accessKey": "AK",
                        "secretKey": "SK",
                        "roleArn": "arn:aws:iam::1:role/r" + "x" * 9,
                    },
                    "configuration": {"region": "r", "endpoint": server.url, "addressingStyle": "path"},
                    "action": {"bucket": "orders", "key": "k"},
                }
            )
            signers.append(re.findall(r"Credential=(\w+)", server.last.one("authorization") or "")[0])
    assert signers == ["ROLE1", "ROLE2", "ROLE3", "ROLE3", "ROLE3"]


async def test_a_copy_that_is_too_large_for_one_call(bench: Bench) -> None:
    size = 5 * 1024**3 + 7
    parts: dict[int, tuple[int, int]] = {}
    begun: list[Received] = []

    async def s3(request: Received, writer: object) -> bytes:
        target, source = request.target, request.one("x-amz-copy-source")
        if request.method == "HEAD":
            head = [
                ("ETag", '"e"'),
                ("Content-Type", "video/mp4"),
                ("x-amz-meta-by", "Ada"),
                ("x-amz-tagging-count", "1"),
            ]
            return reply(headers=head, length=size)
        if "partNumber" in target:
            assert source == "orders/large"
            assert request.one("x-amz-copy-source-if-match") == '"e"'
            number = int(re.findall(r"partNumber=(\d+)", target)[0])
            start, end = re.findall(r"bytes=(\d+)-(\d+)", request.one("x-amz-copy-source-range") or "")[0]
            parts[number] = (int(start), int(end))
            return reply(body=f'<CopyPartResult><ETag>"p{number}"</ETag></CopyPartResult>')
        if target.endswith("?tagging"):
            return reply(body="<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>")
        if request.method == "POST" and "uploadId" in target:
            return reply(body='<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>')
        if request.method == "POST":
            begun.append(request)
            return reply(body="<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
        return reply(400, "<Error><Code>InvalidRequest</Code><Message>larger than allowed</Message></Error>")

    async with Server(s3) as server:
        result = await bench.run(job(server.url, "copyObject", sourceKey="large"))
    assert result["eTag"] == "whole"
    at = 0
    for _, (start, end) in sorted(parts.items()):
        assert start == at
        at = end + 1
    assert (at, len(parts)) == (size, 11)
    assert begun[0].one("content-type") == "video/mp4"
    assert begun[0].one("x-amz-meta-by") == "Ada"
    assert begun[0].one("x-amz-tagging") == "a=b"


async def test_work_after_the_end(place: Place) -> None:
    await place.bench.connector.close()
    with pytest.raises(ConnectorError) as caught:
        await place.run("deleteObject", key="k")
    assert caught.value.code == "SHUTDOWN"
    await configured(place.bench)
