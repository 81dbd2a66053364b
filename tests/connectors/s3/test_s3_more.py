"""What goes beyond upload, download and delete."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import urllib.request
from datetime import datetime
from typing import Any

import pytest

from coupler.errors import ConnectorError, InputError
from tests.connectors.s3.kit import Place, configured, inline, memory_taken


async def test_how_an_object_is_kept(place: Place) -> None:
    await place.run(
        "uploadObject",
        key="k",
        document=inline("x"),
        contentType="text/csv",
        metadata={"order": 17, "by": "Ada"},
        tags={"team": "a b=c+d", "kind": "x"},
        storageClass="STANDARD_IA",
        serverSideEncryption="aws:kms",
        kmsKeyId="alias/orders",
        checksumAlgorithm="SHA256",
    )
    kept = await place.run("headObject", key="k")
    assert (kept["contentType"], kept["metadata"]) == ("text/csv", {"order": "17", "by": "Ada"})
    assert (kept["storageClass"], kept["serverSideEncryption"]) == ("STANDARD_IA", "aws:kms")
    assert kept["kmsKeyId"] == "alias/orders"
    assert kept["checksums"]["SHA256"]
    tags = place.client.get_object_tagging(Bucket=place.bucket, Key="k")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "a b=c+d", "kind": "x"}


async def test_an_upload_only_if_there_is_none(place: Place) -> None:
    await place.run("uploadObject", key="k", document=inline("first"), onlyIfAbsent=True)
    with pytest.raises(ConnectorError) as caught:
        await place.run("uploadObject", key="k", document=inline("second"), onlyIfAbsent=True)
    assert caught.value.code == "PreconditionFailed"
    assert place.get("k")[0] == b"first"


async def test_versions(place: Place) -> None:
    place.client.put_bucket_versioning(Bucket=place.bucket, VersioningConfiguration={"Status": "Enabled"})
    first = await place.run("uploadObject", key="k", document=inline("first"))
    second = await place.run("uploadObject", key="k", document=inline("second"))
    text = {"documentReturnFormat": {"choice": "TEXT"}}
    old = await place.run("downloadObject", text, key="k", versionId=first["versionId"])
    new = await place.run("downloadObject", text, key="k")
    assert (old["element"]["content"], new["element"]["content"]) == ("first", "second")
    assert (await place.run("headObject", key="k"))["versionId"] == second["versionId"]
    await place.run("deleteObject", key="k", versionId=second["versionId"])
    assert place.get("k")[0] == b"first"
    marked = await place.run("deleteObject", key="k")
    assert marked["deleteMarker"] is True


async def test_a_look_at_an_object(place: Place) -> None:
    place.put("k", b"12345", ContentType="text/plain")
    found = await place.run("headObject", key="k")
    assert (found["size"], found["contentType"], found["eTag"]) == (5, "text/plain", hashlib.md5(b"12345").hexdigest())
    datetime.fromisoformat(found["lastModified"])
    with pytest.raises(ConnectorError) as caught:
        await place.run("headObject", key="other")
    assert caught.value.code == "NoSuchKey"


async def test_lists(place: Place) -> None:
    for number in range(7):
        place.put(f"orders/{number % 2}/{number}", b"x" * number)
    place.put("readme", b"")
    everything = await place.run("listObjects")
    assert [each["key"] for each in everything["objects"]][-1] == "readme"
    assert (len(everything["objects"]), everything["truncated"], everything["continuationToken"]) == (8, False, None)
    assert everything["objects"][0] | {"key": "orders/0/0", "size": 0} == everything["objects"][0]
    inside = await place.run("listObjects", prefix="orders/1/")
    assert [(each["key"], each["size"]) for each in inside["objects"]] == [(f"orders/1/{n}", n) for n in (1, 3, 5)]
    folders = await place.run("listObjects", delimiter="/")
    assert folders["prefixes"] == ["orders/"]
    assert [each["key"] for each in folders["objects"]] == ["readme"]


async def test_a_list_in_pages(place: Place) -> None:
    for number in range(1005):
        place.put(f"{number:04}", b"")
    whole = await place.run("listObjects", limit=2000)
    assert [each["key"] for each in whole["objects"]] == [f"{number:04}" for number in range(1005)]
    keys: list[str] = []
    token = None
    for _ in range(6):
        page = await place.run("listObjects", limit=201, continuationToken=token)
        keys += [each["key"] for each in page["objects"]]
        token = page["continuationToken"]
        assert page["truncated"] is (token is not None)
        if token is None:
            break
    assert keys == [f"{number:04}" for number in range(1005)]


async def test_copies(place: Place) -> None:
    place.put("a b/ü", b"x", ContentType="text/plain", Metadata={"by": "Ada"}, Tagging="team=a")
    await place.run("copyObject", key="same", sourceKey="a b/ü")
    same = await place.run("headObject", key="same")
    assert (same["contentType"], same["metadata"]) == ("text/plain", {"by": "Ada"})
    await place.run("copyObject", key="other", sourceKey="a b/ü", metadata={"by": "Bob"}, storageClass="STANDARD_IA")
    other = await place.run("headObject", key="other")
    assert (other["metadata"], other["storageClass"], place.get("other")[0]) == ({"by": "Bob"}, "STANDARD_IA", b"x")
    with pytest.raises(ConnectorError) as caught:
        await place.run("copyObject", key="k", sourceKey="missing")
    assert caught.value.code == "NoSuchKey"


async def test_a_copy_from_another_bucket(place: Place) -> None:
    source = Place(place.bench, place.endpoint)
    source.put("k", b"from there")
    result = await place.run("copyObject", key="here", sourceBucket=source.bucket, sourceKey="k")
    assert (result["bucket"], result["key"], place.get("here")[0]) == (place.bucket, "here", b"from there")


async def test_presigned_urls(place: Place) -> None:
    put = await place.run("presignObject", key="in/ü.txt", method="PUT", contentType="text/plain")
    request = urllib.request.Request(put["url"], b"sent", put["headers"], method="PUT")
    assert urllib.request.urlopen(request).status == 200
    assert place.get("in/ü.txt")[1]["ContentType"] == "text/plain"
    get = await place.run("presignObject", key="in/ü.txt", fileName="Köln.txt", expiresInSeconds=60)
    assert "X-Amz-Signature=" in get["url"]
    assert "X-Amz-Expires=60" in get["url"]
    assert (get["method"], get["headers"]) == ("GET", {})
    with urllib.request.urlopen(get["url"]) as answer:
        assert answer.read() == b"sent"
        assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''K%C3%B6ln.txt"


async def test_the_longest_life_of_a_presigned_url(place: Place) -> None:
    await configured(place.bench, max_presigned_seconds=60)
    assert await place.run("presignObject", key="k", expiresInSeconds=60)
    with pytest.raises(InputError, match="allows 60 at most"):
        await place.run("presignObject", key="k", expiresInSeconds=61)


LARGE = {"multipart_bytes": 6 * 1024 * 1024, "part_bytes": 5 * 1024 * 1024, "memory_bytes": 1024 * 1024}


@pytest.mark.parametrize("extra", [0, 1, 5 * 1024 * 1024, 7 * 1024 * 1024 + 13])
async def test_a_large_object_in_parts(place: Place, extra: int) -> None:
    await configured(place.bench, **LARGE)
    content = bytes(range(251)) * ((6 * 1024 * 1024 + extra) // 251 + 1)
    content = content[: 6 * 1024 * 1024 + extra]
    document = await place.bench.documents.create(content, file_name="large.bin")
    sent = await place.run(
        "uploadObject", document=document.reference(), metadata={"a": "b"}, tags={"t": "u"}, checksumAlgorithm="SHA256"
    )
    body, answer = place.get("large.bin")
    assert (hashlib.sha256(body).digest(), answer["Metadata"]) == (hashlib.sha256(content).digest(), {"a": "b"})
    assert sent["eTag"].endswith(f"-{-(-len(content) // LARGE['part_bytes'])}")
    assert place.uploads() == []
    received = await place.run("downloadObject", {"documentReturnFormat": {"choice": "DOCUMENT"}}, key="large.bin")
    assert received["element"]["document"]["contentHash"] == document.reference()["contentHash"]


async def test_parts_only_if_there_is_none(place: Place) -> None:
    await configured(place.bench, **LARGE)
    document = await place.bench.documents.create(b"x" * (6 * 1024 * 1024), file_name="large.bin")
    await place.run("uploadObject", document=document.reference(), onlyIfAbsent=True)
    with pytest.raises(ConnectorError) as caught:
        await place.run("uploadObject", document=document.reference(), onlyIfAbsent=True)
    assert caught.value.code == "PreconditionFailed"
    await configured(place.bench)  # waits for what is left to be done
    assert place.uploads() == []


async def test_a_temporary_file_below_the_size_for_parts(place: Place) -> None:
    await configured(place.bench, memory_bytes=1000)
    document = await place.bench.documents.create(b"y" * 300_000, file_name="middle.bin")
    sent = await place.run("uploadObject", document=document.reference())
    assert (sent["size"], "-" in sent["eTag"], place.get("middle.bin")[0]) == (300_000, False, b"y" * 300_000)


async def test_no_room_for_temporary_files(place: Place) -> None:
    await configured(place.bench, memory_bytes=1000, temporary_folder="/nowhere/at/all")
    document = await place.bench.documents.create(b"y" * 300_000, file_name="middle.bin")
    with pytest.raises(ConnectorError, match="COUPLER_CONNECTORS__S3__TEMPORARY_FOLDER") as caught:
        await place.run("uploadObject", document=document.reference())
    assert caught.value.code == "NO_TEMPORARY_FILE"


async def test_what_all_uploads_hold_in_memory(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await configured(place.bench, total_memory_bytes=700_000)
    document = (await place.bench.documents.create(b"z" * 300_000, file_name="n")).reference()
    files: list[Any] = []

    def counted(*arguments: Any, **options: Any) -> Any:
        files.append(temporary_file(*arguments, **options))
        return files[-1]

    temporary_file = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", counted)
    await asyncio.gather(*(place.run("uploadObject", key=f"{n}", document=document) for n in range(12)))
    assert 1 <= len(files) <= 10
    assert memory_taken(place.bench) == 0
    for n in range(12):
        assert place.get(f"{n}")[0] == b"z" * 300_000
    await place.run("uploadObject", key="alone", document=document)
    assert len(files) <= 10  # there is room again
