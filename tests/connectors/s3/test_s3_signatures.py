"""A server that verifies signatures (Signature Version 4)."""

from __future__ import annotations

import hashlib
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from bench.s3 import rclone
from coupler.errors import ConnectorError
from tests.connectors.kit import Bench
from tests.connectors.s3.kit import Place, configured, inline

MIB = 1024 * 1024
REFUSED = (400, 403)  # rclone calls a signature that is missing, or too old, a bad request
DOCUMENT = {"documentReturnFormat": {"choice": "DOCUMENT"}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with rclone.serving(tmp_path_factory.mktemp("rclone") / "buckets") as url:
        yield url


@pytest.fixture
def signed(bench: Bench, server: str) -> Place:
    return Place(bench, server, access_key=rclone.ACCESS_KEY, secret_key=rclone.SECRET_KEY)


def status_of(url: str, method: str = "GET", body: bytes | None = None) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, method=method)) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


async def test_there_and_back(signed: Place) -> None:
    sent = await signed.run("uploadObject", key="dir/a b ü.txt", document=inline("hällo", content_type="text/plain"))
    assert (sent["size"], signed.get("dir/a b ü.txt")[0]) == (6, "hällo".encode())
    text = await signed.run("downloadObject", {"documentReturnFormat": {"choice": "TEXT"}}, key="dir/a b ü.txt")
    assert text["element"] == {"content": "hällo"}
    assert [each["key"] for each in (await signed.run("listObjects", prefix="dir/"))["objects"]] == ["dir/a b ü.txt"]
    assert (await signed.run("headObject", key="dir/a b ü.txt"))["size"] == 6
    await signed.run("copyObject", key="copy.txt", sourceKey="dir/a b ü.txt")
    assert signed.get("copy.txt")[0] == "hällo".encode()
    await signed.run("deleteObject", key="dir/a b ü.txt")
    with pytest.raises(ConnectorError) as caught:
        await signed.run("headObject", key="dir/a b ü.txt")
    assert caught.value.code == "NoSuchKey"


@pytest.mark.parametrize("size", [MIB, 9 * MIB, 23 * MIB + 17])
async def test_sizes_in_memory_in_a_file_and_in_parts(signed: Place, size: int) -> None:
    await configured(signed.bench, multipart_bytes=16 * MIB, memory_bytes=4 * MIB)
    content = (bytes(range(253)) * (size // 253 + 1))[:size]
    document = await signed.bench.documents.create(content, file_name="x.bin")
    await signed.run("uploadObject", document=document.reference())
    assert hashlib.sha256(signed.get("x.bin")[0]).digest() == hashlib.sha256(content).digest()
    received = await signed.run("downloadObject", DOCUMENT, key="x.bin")
    assert received["element"]["document"]["contentHash"] == document.reference()["contentHash"]


@pytest.mark.parametrize(
    "keys",
    [
        {"accessKey": rclone.ACCESS_KEY, "secretKey": "another"},
        {"accessKey": "nobody", "secretKey": rclone.SECRET_KEY},
    ],
)
@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("uploadObject", {"key": "k", "document": inline("x")}),
        ("downloadObject", {"key": "k"}),
        ("deleteObject", {"key": "k"}),
        ("listObjects", {}),
        ("headObject", {"key": "k"}),
    ],
)
async def test_wrong_keys(signed: Place, keys: dict[str, str], action: str, given: dict[str, Any]) -> None:
    signed.put("k", b"untouched")
    with pytest.raises(ConnectorError) as caught:
        await signed.run(action, {"authentication": keys}, **given)
    assert caught.value.code in ("SignatureDoesNotMatch", "InvalidAccessKeyId", "AccessDenied")
    assert "another" not in caught.value.message
    assert signed.get("k")[0] == b"untouched"


async def test_a_right_key_after_a_wrong_one(signed: Place) -> None:
    signed.put("k", b"x")
    with pytest.raises(ConnectorError):
        await signed.run("deleteObject", {"authentication": {**signed.keys, "secretKey": "another"}}, key="k")
    await signed.run("deleteObject", key="k")
    with pytest.raises(ConnectorError):
        await signed.run("listObjects", {"authentication": {**signed.keys, "secretKey": "another"}})


async def test_presigned_urls(signed: Place) -> None:
    put = await signed.run("presignObject", key="a ü.txt", method="PUT")
    assert status_of(put["url"], "PUT", b"sent") == 200
    get = await signed.run("presignObject", key="a ü.txt")
    assert status_of(get["url"]) == 200
    assert signed.get("a ü.txt")[0] == b"sent"


async def test_forged_presigned_urls(signed: Place) -> None:
    signed.put("k", b"x")
    signed.put("other", b"x")
    url = (await signed.run("presignObject", key="k"))["url"]
    assert status_of(url) == 200
    forged = {
        "another key": url.replace("/k?", "/other?"),
        "a longer life": url.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200"),
        "another signature": re.sub(
            r"(X-Amz-Signature=)(.)", lambda found: found[1] + ("0" if found[2] != "0" else "1"), url
        ),
        "none": url.partition("?")[0],
    }
    for kind, each in forged.items():
        assert each != url, kind
        assert status_of(each) in REFUSED, kind
    assert status_of(url, "DELETE") in REFUSED
    assert signed.get("k")[0] == b"x"


async def test_a_presigned_url_ends(signed: Place) -> None:
    signed.put("k", b"x")
    url = (await signed.run("presignObject", key="k", expiresInSeconds=1))["url"]
    until = time.monotonic() + 60
    while (status := status_of(url)) == 200 and time.monotonic() < until:
        time.sleep(0.2)
    assert status in REFUSED
