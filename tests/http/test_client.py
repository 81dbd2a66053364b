"""The httpx client that authors get, over the engine."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
import trustme

from coupler.errors import EgressDenied
from coupler.http.client import make_client
from coupler.http.config import EgressConfig, HttpConfig
from coupler.http.engine import Engine
from coupler.http.messages import TlsMaterial
from tests.http.server import Received, Server, always, reply


@pytest_asyncio.fixture
async def client(engine: Engine) -> AsyncIterator[httpx.AsyncClient]:
    async with make_client(engine) as client:
        yield client


async def test_a_json_call(client: httpx.AsyncClient) -> None:
    async with Server(always(reply(201, '{"id": 7}', [("X-Kept", "As-Sent")], reason="Made"))) as server:
        response = await client.post(f"{server.url}/orders?x=1", json={"a": 1}, headers={"X-Mine": "1"})
    assert (response.status_code, response.reason_phrase, response.json()) == (201, "Made", {"id": 7})
    assert (b"X-Kept", b"As-Sent") in response.headers.raw
    assert (server.last.target, server.last.body, server.last.one("x-mine")) == ("/orders?x=1", b'{"a":1}', "1")


async def test_the_body_is_decoded_once(client: httpx.AsyncClient) -> None:
    body = gzip.compress(b"text" * 100)
    async with Server(always(reply(body=body, headers=[("Content-Encoding", "gzip")]))) as server:
        response = await client.get(server.url)
    assert response.content == b"text" * 100


async def test_a_user_in_the_url_becomes_a_header(client: httpx.AsyncClient) -> None:
    async with Server(always(reply())) as server:
        await client.get(server.url.replace("//", "//user:pass@"))
    assert server.last.one("authorization") == "Basic dXNlcjpwYXNz"


async def test_cookies_are_not_kept_for_the_next_job(client: httpx.AsyncClient) -> None:
    async with Server(always(reply(headers=[("Set-Cookie", "a=1")]))) as server:
        await client.get(server.url)
        await client.get(server.url)
    assert server.last.one("cookie") is None, "the client is shared by all jobs"


async def test_redirects_come_through_the_policy() -> None:
    engine = Engine(HttpConfig(egress=EgressConfig()))
    moved = reply(302, headers=[("Location", "http://169.254.169.254/")])
    async with Server(always(moved)) as server, make_client(engine) as client:
        assert (await client.get(server.url)).status_code == 302
        with pytest.raises(EgressDenied):
            await client.get(server.url, follow_redirects=True)
    await engine.close()


async def test_a_stream_down(client: httpx.AsyncClient) -> None:
    async with Server(always(reply(body=b"x" * 300_000))) as server:
        async with client.stream("GET", server.url) as response:
            size = 0
            async for piece in response.aiter_bytes():
                size += len(piece)
        assert size == 300_000
        await client.get(server.url)
        assert server.connections == 1


async def test_a_stream_up(client: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async with Server(always(reply())) as server:
        await client.post(server.url, content=pieces())
        await client.post(server.url, files={"file": ("a.txt", b"content")})
    assert server.requests[0].body == b"onetwo"
    assert b"content" in server.requests[1].body


@pytest.mark.parametrize(
    ("kind", "error"),
    [("timeout", httpx.ReadTimeout), ("refused", httpx.ConnectError), ("cut", httpx.RemoteProtocolError)],
)
async def test_errors_are_those_of_httpx(
    client: httpx.AsyncClient, kind: str, error: type[httpx.TransportError]
) -> None:
    async def handler(request: Received, writer: asyncio.StreamWriter) -> None:
        if kind == "timeout":
            await asyncio.sleep(30)

    async with Server(handler) as server:
        url = "http://127.0.0.1:1" if kind == "refused" else server.url
        with pytest.raises(error):
            await client.get(url, timeout=0.1)


async def test_a_body_over_the_limit(client: httpx.AsyncClient) -> None:
    async with Server(always(reply(body=b"x" * 2000))) as server:
        with pytest.raises(httpx.ReadError):
            await client.get(server.url, extensions={"max_body_bytes": 1000})
        assert len((await client.get(server.url, extensions={"max_body_bytes": 2000})).content) == 2000


async def test_a_call_with_its_own_certificates(client: httpx.AsyncClient) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    material = TlsMaterial(trusted_certificates=authority.cert_pem.bytes().decode())
    async with Server(always(reply(body="safe")), context) as server:
        with pytest.raises(httpx.ConnectError):
            await client.get(server.url)
        assert (await client.get(server.url, extensions={"tls": material})).text == "safe"
