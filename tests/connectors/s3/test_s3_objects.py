"""Upload, download and delete: the shapes that existing process models rely on."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest

from coupler.errors import ConnectorError, InputError
from tests.connectors.s3.kit import Place, inline


async def test_an_upload(place: Place) -> None:
    result = await place.run("uploadObject", key="in/a.txt", document=inline("hällo", content_type="text/plain"))
    body, answer = place.get("in/a.txt")
    assert (body.decode(), answer["ContentType"]) == ("hällo", "text/plain")
    assert (result["bucket"], result["key"]) == (place.bucket, "in/a.txt")
    assert (result["size"], result["eTag"]) == (6, answer["ETag"].strip('"'))


async def test_an_upload_without_a_key_has_the_name_of_its_document(place: Place) -> None:
    for absent in ({}, {"key": None}):
        result = await place.run("uploadObject", document=inline("x", name="report 1.txt"), **absent)
        assert result["key"] == "report 1.txt"
        assert result["link"].endswith("/report%201.txt")
    assert place.get("report 1.txt")[0] == b"x"


async def test_an_empty_key_is_refused(place: Place) -> None:
    with pytest.raises(InputError, match=r"action\.key"):
        await place.run("uploadObject", key="", document=inline("x"))


async def test_the_link_leads_to_the_object(place: Place) -> None:
    result = await place.run("uploadObject", key="a b/ü+%.txt", document=inline("x"))
    assert result["link"] == f"{place.endpoint}/{place.bucket}/a%20b/%C3%BC%2B%25.txt"


async def test_an_empty_document(place: Place) -> None:
    result = await place.run("uploadObject", key="empty", document=inline(""))
    assert (result["size"], place.get("empty")[0]) == (0, b"")
    stored = await place.run("downloadObject", {"documentReturnFormat": {"choice": "TEXT"}}, key="empty")
    assert stored["element"] == {"content": ""}
    kept = await place.run("downloadObject", {"documentReturnFormat": {"choice": "DOCUMENT"}}, key="empty")
    assert kept["element"]["document"]["metadata"]["size"] == 0


async def test_a_stored_document_travels_there_and_back(place: Place) -> None:
    content = bytes(range(256)) * 4096
    given = await place.bench.documents.create(content, file_name="scan.pdf")
    sent = await place.run("uploadObject", document=given.reference())
    assert (sent["key"], sent["size"], place.get("scan.pdf")[1]["ContentType"]) == (
        "scan.pdf",
        len(content),
        "application/pdf",
    )
    received = await place.run("downloadObject", {"documentReturnFormat": {"choice": "DOCUMENT"}}, key="scan.pdf")
    reference = received["element"]["document"]
    assert reference["metadata"] | {"fileName": "scan.pdf", "contentType": "application/pdf"} == reference["metadata"]
    assert reference["contentHash"] == given.reference()["contentHash"]


async def test_the_size_in_a_reference_is_not_believed(place: Place) -> None:
    given = (await place.bench.documents.create(b"12345", file_name="n.bin")).reference()
    given["metadata"]["size"] = 3
    assert (await place.run("uploadObject", document=given))["size"] == 5
    assert place.get("n.bin")[0] == b"12345"


DOWNLOADS: list[tuple[dict[str, Any], str, bytes, Any]] = [
    ({"choice": "TEXT"}, "application/pdf", b"text", "text"),
    ({"choice": "TEXT", "encoding": "ISO-8859-1"}, "text/plain", "ü".encode("latin-1"), "ü"),
    ({"choice": "JSON", "encoding": "no such"}, "text/plain", b'{"a": [1, 0.10]}', {"a": [1, Decimal("0.10")]}),
    ({"choice": "json"}, "text/plain", b"\xef\xbb\xbf[1]", [1]),
    ({"choice": "JSON"}, "text/plain", b'{"a": 1} trailing', {"a": 1}),
    ({"choice": "JSON"}, "text/plain", b'"half an emoji \\ud83d"', "half an emoji \ufffd"),
    ({}, "application/json", b"\xef\xbb\xbf[1]", [1]),
    ({"choice": ""}, "text/plain", b"legacy", "legacy"),
    ({"choice": None}, "text/plain", b"legacy", "legacy"),
    ({}, "text/plain", b"legacy", "legacy"),
    ({}, "application/json", b"[1]", [1]),
    ({}, "text/plain; charset=utf-8", b"x", base64.b64encode(b"x").decode()),
    ({}, "image/png", b"\x00\xff", base64.b64encode(b"\x00\xff").decode()),
]


@pytest.mark.parametrize(("format_", "content_type", "body", "content"), DOWNLOADS)
async def test_what_becomes_of_a_download(
    place: Place, format_: dict[str, Any], content_type: str, body: bytes, content: Any
) -> None:
    place.put("k", body, ContentType=content_type)
    result = await place.run("downloadObject", {"documentReturnFormat": format_}, key="k")
    assert result | {"bucket": place.bucket, "key": "k", "element": {"content": content}} == result


async def test_a_download_of_older_templates(place: Place) -> None:
    place.put("dir/k.json", b"[1]", ContentType="application/json")
    for flag in (True, "true"):
        result = await place.run("downloadObject", key="dir/k.json", asFile=flag)
        metadata = result["element"]["document"]["metadata"]
        assert (metadata["fileName"], metadata["contentType"]) == ("dir/k.json", "application/json")
    assert (await place.run("downloadObject", key="dir/k.json", asFile=False))["element"] == {"content": [1]}
    assert (await place.run("downloadObject", key="dir/k.json"))["element"] == {"content": [1]}


async def test_a_chosen_format_wins_over_the_flag_of_older_templates(place: Place) -> None:
    place.put("k", b"x")
    result = await place.run("downloadObject", {"documentReturnFormat": {"choice": "TEXT"}}, key="k", asFile=True)
    assert result["element"] == {"content": "x"}


@pytest.mark.parametrize(
    ("format_", "body", "code"),
    [
        ({"choice": "JSON"}, b"", "INVALID_JSON"),
        ({"choice": "JSON"}, b"{", "INVALID_JSON"),
        ({"choice": "JSON"}, b"[NaN]", "INVALID_JSON"),
        ({"choice": "JSON"}, b"1e99999999999999999999", "INVALID_JSON"),
        ({"choice": "TEXT"}, b"x" * 1_572_865, "CONTENT_TOO_LARGE"),
        ({"choice": "JSON"}, b"1" * 1_572_865, "CONTENT_TOO_LARGE"),
        ({}, b"x" * 1_572_865, "CONTENT_TOO_LARGE"),
    ],
)
async def test_downloads_that_do_not_fit(place: Place, format_: dict[str, Any], body: bytes, code: str) -> None:
    place.put("k", body)
    with pytest.raises(ConnectorError) as caught:
        await place.run("downloadObject", {"documentReturnFormat": format_}, key="k")
    assert caught.value.code == code


async def test_the_largest_text(place: Place) -> None:
    place.put("k", b"x" * 1_572_864)
    result = await place.run("downloadObject", {"documentReturnFormat": {"choice": "TEXT"}}, key="k")
    assert len(result["element"]["content"]) == 1_572_864


async def test_an_unknown_encoding_is_found_out_before_the_call(place: Place) -> None:
    with pytest.raises(InputError, match="no-such"):
        await place.run("downloadObject", {"documentReturnFormat": {"choice": "TEXT", "encoding": "no-such"}}, key="k")


async def test_a_delete(place: Place) -> None:
    place.put("k", b"x")
    for _ in range(2):  # the second one finds nothing, and succeeds
        assert await place.run("deleteObject", key="k") == {"bucket": place.bucket, "key": "k"}
    assert "Contents" not in place.client.list_objects_v2(Bucket=place.bucket)
