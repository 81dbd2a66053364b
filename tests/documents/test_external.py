"""External documents: fetched through the HTTP engine, under the egress policy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from coupler.documents.config import DocumentsConfig
from coupler.documents.document import Document
from coupler.documents.external import encoded_url
from coupler.documents.reference import parse_reference
from coupler.documents.service import Documents
from coupler.errors import ConnectorError, EgressDenied, InputError
from tests.documents.kit import App, content_server, external, http_engine, respond, serving, whole_body
from tests.documents.test_binding import Everything, b64


@asynccontextmanager
async def fetching(app: App, **config: Any) -> AsyncIterator[tuple[str, Documents]]:
    """A server, and documents that may fetch from it."""
    async with serving(app) as address, http_engine() as engine:
        yield address, Documents(engine=engine, config=DocumentsConfig(**config))


def handle(documents: Documents, url: str, name: str | None = None) -> Document:
    """The handle of an external document."""
    return documents.document(parse_reference(external(url, name)))


async def test_content_and_metadata_come_with_the_first_use() -> None:
    seen: list[dict[str, str]] = []
    app = content_server(b"a,b", seen=seen, content_type="text/csv", content_disposition='attachment; filename="t.csv"')
    async with fetching(app) as (address, documents):
        document = handle(documents, f"{address}/x?token=1")
        assert (document.file_name, document.content_type, document.size) == (None, None, None)
        assert seen == []
        assert await document.read() == b"a,b"
        assert (document.file_name, document.content_type, document.size) == ("t.csv", "text/csv", 3)
        assert document.reference() == external(f"{address}/x?token=1")
        assert await document.link() == f"{address}/x?token=1"
    assert "authorization" not in seen[0]
    assert "cookie" not in seen[0]


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename=plain.txt", "plain.txt"),
        ("attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe.txt", "größe.txt"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\temp\\\\x.txt"', "x.txt"),
    ],
)
async def test_names_come_from_the_server_without_folders(disposition: str, name: str) -> None:
    async with fetching(content_server(b"x", content_disposition=disposition)) as (address, documents):
        document = handle(documents, address)
        await document.read()
        assert document.file_name == name


async def test_the_name_of_the_reference_wins() -> None:
    app = content_server(b"x", content_disposition="attachment; filename=other.txt")
    async with fetching(app) as (address, documents):
        document = handle(documents, address, "mine.txt")
        assert document.file_name == "mine.txt"
        await document.read()
        assert document.file_name == "mine.txt"


@pytest.mark.parametrize("disposition", ["inline", 'attachment; filename=".."'])
async def test_without_a_name_one_is_made_with_the_subtype_as_ending(disposition: str) -> None:
    app = content_server(b"x", content_type="image/png; q=1", content_disposition=disposition)
    async with fetching(app) as (address, documents):
        document = handle(documents, address)
        await document.read()
        assert document.file_name is not None
        assert len(document.file_name) == 36 + len(".png")
        assert document.file_name.endswith(".png")


async def test_text_fields_fetch_it() -> None:
    async with fetching(content_server(b"abc")) as (address, documents):
        from coupler.documents.binding import bind_documents

        values = {"text": external(address), "content": external(address)}
        result = await bind_documents(values, Everything.model_validate, documents)
    assert (result.text, result.content) == (b64("abc"), b"abc")


@pytest.mark.parametrize("status", [301, 401, 404, 500])
async def test_an_answer_that_is_not_the_document(status: int) -> None:
    async with fetching(content_server(b"sorry", status=status)) as (address, documents):
        with pytest.raises(ConnectorError, match=f"could not be fetched: the server answered {status}") as caught:
            await handle(documents, f"{address}/x?token=geheim").read()
    assert caught.value.code == str(status)
    assert "geheim" not in str(caught.value)


async def test_a_server_that_is_not_there() -> None:
    async with serving(content_server(b"")) as address:
        pass
    async with http_engine() as engine:
        with pytest.raises(ConnectorError, match="could not be fetched: No connection to"):
            await handle(Documents(engine=engine), address).read()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "gopher://x", "/etc/passwd", "http://", "x"])
async def test_other_schemes_are_refused(url: str) -> None:
    async with http_engine() as engine:
        with pytest.raises(InputError, match="could not be fetched"):
            await handle(Documents(engine=engine), url).read()


async def test_private_addresses_are_refused_where_the_policy_says_so() -> None:
    async with serving(content_server(b"secret")) as address, http_engine(allow_loopback=False) as engine:
        with pytest.raises(EgressDenied):
            await handle(Documents(engine=engine), address).read()


async def test_the_metadata_service_of_a_cloud_is_always_refused() -> None:
    async with http_engine() as engine:
        with pytest.raises(EgressDenied):
            await handle(Documents(engine=engine), "http://169.254.169.254/latest/meta-data/").read()


async def test_a_redirect_to_a_denied_address_is_refused() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await respond(send, 302, location="http://169.254.169.254/latest/meta-data/")

    async with fetching(app) as (address, documents):
        with pytest.raises(EgressDenied):
            await handle(documents, address).read()


async def test_redirects_are_followed() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/there":
            await respond(send, 200, b"found")
        else:
            await respond(send, 302, location="/there")

    async with fetching(app) as (address, documents):
        assert await handle(documents, f"{address}/here").read() == b"found"


async def test_an_endless_body_is_cut() -> None:
    sent = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal sent
        await whole_body(receive)
        gone = asyncio.ensure_future(receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not gone.done():
            sent += 1
            await send({"type": "http.response.body", "body": bytes(100_000), "more_body": True})
            await asyncio.sleep(0)

    async with fetching(app, max_read_bytes=1_000_000) as (address, documents):
        with pytest.raises(InputError, match="larger than the 1000000 bytes"):
            await handle(documents, address).read()
    assert sent > 10


async def test_a_stream_has_a_limit_of_its_own() -> None:
    async with fetching(content_server(bytes(200_000)), max_stream_bytes=100_000) as (address, documents):
        with pytest.raises(InputError, match="could not be fetched"):
            async for _ in handle(documents, address).stream():
                pass


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://a.example/b?X-Sig=a%2Fb&empty=&c+d=", "https://a.example/b?X-Sig=a%2Fb&empty=&c+d="),
        ("https://a.example/ü {x}#part", "https://a.example/%C3%BC%20%7Bx%7D"),
        (" https://a.example ", "https://a.example"),
        ("https://a.example?q=1", "https://a.example?q=1"),
    ],
)
def test_urls_are_encoded_only_where_they_must_be(url: str, sent: str) -> None:
    assert encoded_url(url) == sent
