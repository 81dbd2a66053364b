"""The cluster's document store, over a real socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from coupler.documents.cluster import ClusterDocuments
from coupler.documents.reference import CamundaReference, parse_reference
from coupler.documents.service import Documents
from coupler.documents.store import DocumentNotFound, HashMismatch, NewDocument
from coupler.errors import ConnectorError, GatewayError, GatewayStatus, InputError
from coupler.http.messages import TransportError, TransportFault
from tests.documents.kit import FakeCluster, http_engine, respond, serving, whole_body


@asynccontextmanager
async def cluster(**options: Any) -> AsyncIterator[tuple[FakeCluster, ClusterDocuments]]:
    """A cluster, and our client of it."""
    fake = FakeCluster()
    async with serving(fake) as address, http_engine() as engine:
        yield fake, ClusterDocuments(address, engine, **options)


async def _in_three() -> AsyncIterator[bytes]:
    for piece in (b"one\r\n", b"", b"--two", b"three"):
        yield piece


async def test_content_in_memory_is_uploaded() -> None:
    async with cluster() as (fake, store):
        new = NewDocument(file_name="größe.pdf", content_type="application/pdf", custom_properties={"a": 1})
        reference = await store.create(b"con\r\ntent", new)
    (upload,) = fake.uploads
    assert upload.content == b"con\r\ntent"
    assert upload.metadata == {
        "fileName": "größe.pdf",
        "contentType": "application/pdf",
        "customProperties": {"a": 1},
    }
    assert upload.content_type == "application/pdf"
    assert int(upload.headers["content-length"]) > 9
    assert (reference.document_id, reference.store_id, reference.metadata.size) == ("document-1", "in-memory", 9)


async def test_a_stream_is_uploaded_in_chunks() -> None:
    async with cluster() as (fake, store):
        reference = await store.create(_in_three(), NewDocument(file_name="x"))
    (upload,) = fake.uploads
    assert upload.content == b"one\r\n--twothree"
    assert upload.headers["transfer-encoding"] == "chunked"
    assert reference.metadata.size == 15


async def test_the_service_fills_in_names_types_and_expiry() -> None:
    async with cluster() as (fake, store):
        before = datetime.now(UTC).timestamp()
        document = await Documents(store).create(b"x", file_name="a.csv", ttl_seconds=3600)
        await Documents(store).create(b"x")
    first, second = fake.uploads
    assert first.metadata["contentType"] == "text/csv"
    expires_at = datetime.fromisoformat(first.metadata["expiresAt"]).timestamp()
    assert 3600 - 1 <= expires_at - before <= 3600 + 60
    assert document.reference()["documentId"] == "document-1"
    assert second.metadata["contentType"] == "application/octet-stream"
    assert len(second.metadata["fileName"]) == 36


@pytest.mark.parametrize("ttl", [0, -1, float("nan"), 1e300])
async def test_a_time_to_live_that_is_none_is_refused(ttl: float) -> None:
    async with cluster() as (fake, store):
        with pytest.raises(InputError, match="time to live"):
            await Documents(store).create(b"x", ttl_seconds=ttl)
    assert fake.requests == []


async def test_a_file_name_cannot_leave_its_header() -> None:
    async with cluster() as (fake, store):
        new = NewDocument(file_name='a"\r\nX-Evil: 1\r\n\r\nb', content_type="text/plain\r\nX-Evil: 2")
        await store.create(b"content", new)
    (upload,) = fake.uploads
    assert upload.content == b"content"
    assert upload.content_type == "application/octet-stream"


async def test_content_is_read_with_hash_and_store() -> None:
    async with cluster() as (fake, store):
        documents = Documents(store)
        reference = (await documents.create(b"hello", file_name="x.txt")).reference()
        document = documents.document(parse_reference(reference))
        assert await document.read() == b"hello"
        assert [piece async for piece in document.stream()] == [b"hello"]
    method, path, query = fake.requests[-1]
    assert (method, path) == ("GET", "/v2/documents/document-1")
    assert query == {"storeId": "in-memory", "contentHash": reference["contentHash"]}


async def test_what_a_bare_reference_does_not_say_the_answer_does() -> None:
    async with cluster() as (fake, store):
        fake.contents["bare"] = b"x"
        document = Documents(store).document(CamundaReference("bare"))
        await document.read()
        assert document.content_type == "application/x-kept"


@pytest.mark.parametrize("document_id", ["a/b c", "ü", "a?b#c", "%2e%2e%2fx"])
async def test_odd_ids_stay_one_path_segment(document_id: str) -> None:
    async with cluster() as (fake, store):
        fake.contents[document_id] = b"x"
        assert await Documents(store).document(CamundaReference(document_id)).read() == b"x"
        _, path, _ = fake.requests[-1]
        assert path.removeprefix("/v2/documents/").count("/") == 0


async def test_ids_that_climb_never_reach_the_cluster() -> None:
    async with cluster() as (fake, store):
        for call in (store.delete, store.link):
            with pytest.raises(InputError, match="not allowed"):
                await call(CamundaReference(".."))
        with pytest.raises(InputError, match="not allowed"):
            await Documents(store).document(CamundaReference("a/../../topology")).read()
    assert fake.requests == []


async def test_another_content_than_the_one_referred_to_is_refused() -> None:
    async with cluster() as (fake, store):
        fake.contents["x"] = b"changed"
        with pytest.raises(HashMismatch, match="The document x is not the one that was referred to"):
            await Documents(store).document(CamundaReference("x", None, "0" * 64)).read()


async def test_a_document_that_is_gone_is_an_input_error() -> None:
    async with cluster() as (_, store):
        reference = CamundaReference("gone", "aws")
        with pytest.raises(DocumentNotFound, match="The document gone is not there in the store aws: it was deleted"):
            await Documents(store).document(reference).read()
        with pytest.raises(DocumentNotFound):
            await store.delete(reference)
        with pytest.raises(DocumentNotFound):
            await store.link(reference)


async def test_delete_and_link() -> None:
    async with cluster() as (fake, store):
        documents = Documents(store)
        document = await documents.create(b"x")
        assert await document.link(90.5) == "https://store.example/document-1"
        assert await document.link() == "https://store.example/document-1"
        assert fake.links == [{"timeToLive": 90_500}, {}]
        await documents.delete(document)
        assert fake.contents == {}


class Tokens:
    """An authorization whose tokens are numbers."""

    def __init__(self) -> None:
        self.number = 0

    async def value(self) -> str:
        return f"Bearer {self.number}"

    def refused(self, value: str) -> bool:
        self.number += 1
        return True

    async def close(self) -> None:
        pass


class NoTokens(Tokens):
    """An identity provider that is away."""

    async def value(self) -> str:
        raise GatewayError(GatewayStatus.UNAVAILABLE, "no token to be had")


async def test_every_call_says_who_we_are() -> None:
    async with cluster(authorization=Tokens()) as (fake, store):
        document = await Documents(store).create(b"x")
        await document.read()
        await document.link()
        await store.create(_in_three(), NewDocument())
    assert [headers["authorization"] for headers in fake.headers] == ["Bearer 0"] * 4


async def test_a_refused_token_is_replaced_once() -> None:
    refusal: tuple[int, dict[str, Any]] = (401, {"title": "who?"})
    async with cluster(authorization=Tokens()) as (fake, store):
        fake.answers += [refusal]
        document = await Documents(store).create(b"x")
        fake.answers += [refusal]
        assert await document.read() == b"x"
        assert [headers["authorization"][-1] for headers in fake.headers] == ["0", "1", "1", "2"]
        fake.answers += [refusal, refusal]
        with pytest.raises(ConnectorError, match=r"who\?"):
            await document.link()
        fake.answers += [refusal]
        with pytest.raises(ConnectorError, match=r"who\?"):  # a stream cannot be sent again, but the next one can
            await store.create(_in_three(), NewDocument())
        await store.create(_in_three(), NewDocument())


async def test_without_a_token_nothing_is_sent() -> None:
    async with cluster(authorization=NoTokens()) as (fake, store):
        with pytest.raises(ConnectorError, match="cannot be asked: no token to be had"):
            await Documents(store).create(b"x")
        with pytest.raises(ConnectorError, match="cannot be asked: no token to be had"):
            await Documents(store).document(CamundaReference("x")).read()
    assert fake.requests == []


async def test_errors_of_the_reader_are_not_blamed_on_the_store() -> None:
    async with cluster() as (_, store):
        document = await Documents(store).create(b"x")
        with pytest.raises(TransportError, match="elsewhere"):
            async with document.open():
                raise TransportError(TransportFault.TIMEOUT, "elsewhere")


BUSY = (503, {"detail": "not now"})


async def test_content_in_memory_is_sent_again_while_the_cluster_is_busy() -> None:
    async with cluster() as (fake, store):
        fake.answers += [BUSY, (429, {})]
        await store.create(b"x", NewDocument())
    assert len(fake.requests) == 3
    assert len(fake.uploads) == 1


async def test_it_gives_up_after_three_attempts() -> None:
    async with cluster() as (fake, store):
        fake.answers += [BUSY] * 5
        with pytest.raises(ConnectorError, match="could not be stored: the document store says: not now") as caught:
            await store.create(b"x", NewDocument())
    assert caught.value.code == "503"
    assert len(fake.requests) == 3


async def test_a_stream_is_sent_once() -> None:
    async with cluster() as (fake, store):
        fake.answers += [BUSY]
        with pytest.raises(ConnectorError, match="not now"):
            await store.create(_in_three(), NewDocument())
    assert len(fake.requests) == 1


@pytest.mark.parametrize("status", [400, 413, 415])
async def test_a_refusal_for_good_is_an_input_error(status: int) -> None:
    async with cluster() as (fake, store):
        fake.answers += [(status, {"title": "REFUSED"})]
        with pytest.raises(InputError, match="The document could not be stored: the document store says: REFUSED"):
            await store.create(b"x", NewDocument())
    assert len(fake.requests) == 1


async def test_a_cluster_that_is_not_there() -> None:
    async with serving(FakeCluster()) as address:
        pass
    async with http_engine() as engine:
        with pytest.raises(ConnectorError, match="The document could not be stored: No connection to"):
            await ClusterDocuments(address, engine).create(b"x", NewDocument())


async def test_a_source_that_breaks_is_to_blame_itself() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise ConnectorError("the mailbox hung up", code="42")

    async with cluster() as (fake, store):
        with pytest.raises(ConnectorError, match=r"^the mailbox hung up$") as caught:
            await store.create(broken(), NewDocument())
    assert caught.value.code == "42"
    assert fake.uploads == []


@pytest.mark.parametrize("answer", [b"", b"[]", b'"x"', b"{}", b'{"camunda.document.type":"external","url":"x"}'])
async def test_an_answer_that_is_no_reference(answer: bytes) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await whole_body(receive)
        await respond(send, 201, answer)

    async with serving(app) as address, http_engine() as engine:
        store = ClusterDocuments(address, engine)
        with pytest.raises(ConnectorError, match="The document store answered with"):
            await store.create(b"x", NewDocument())


@pytest.mark.parametrize("answer", [b"", b"[]", b'"x"', b"{}"])
async def test_an_answer_that_is_no_link(answer: bytes) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await respond(send, 201, answer)

    async with serving(app) as address, http_engine() as engine:
        with pytest.raises(ConnectorError, match="something else than a link"):
            await ClusterDocuments(address, engine).link(CamundaReference("x"))


@pytest.mark.parametrize("tail", ["", "/", "/v2", "/v2/"])
async def test_addresses_with_and_without_the_version(tail: str) -> None:
    fake = FakeCluster()
    async with serving(fake) as address, http_engine() as engine:
        await ClusterDocuments(address + tail, engine).create(b"x", NewDocument())
    assert fake.requests[0][1] == "/v2/documents"


async def test_json_of_a_reference_from_the_cluster_keeps_what_it_says() -> None:
    async with cluster() as (_, store):
        document = await Documents(store).create(b"x", file_name="a.txt", custom_properties={"k": {"n": 1}})
    text = json.dumps(document.reference())
    assert parse_reference(json.loads(text)) == document.source
    assert document.reference()["metadata"]["customProperties"] == {"k": {"n": 1}}
