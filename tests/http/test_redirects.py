"""Redirects: methods, bodies, headers, origins, loops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from coupler.http.config import HttpConfig
from coupler.http.engine import Engine
from coupler.http.messages import HttpRequest, TransportError, TransportFault
from tests.http.server import Handler, Received, Server, always, reply


def redirect_once(status: int, location: str) -> Handler:
    async def handler(request: Received, writer: asyncio.StreamWriter) -> bytes:
        if request.target == "/start":
            body = "" if request.method == "HEAD" or status == 304 else "moved"
            return reply(status, body, headers=[("Location", location)], reason="Moved")
        return reply()

    return handler


@pytest.mark.parametrize(
    ("status", "method", "followed_by"),
    [
        (301, "GET", "GET"),
        (302, "GET", "GET"),
        (303, "GET", "GET"),
        (307, "GET", "GET"),
        (308, "GET", "GET"),
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (301, "PUT", "PUT"),
        (302, "PUT", "PUT"),
        (303, "PUT", "GET"),
        (307, "PUT", "PUT"),
        (302, "PATCH", "PATCH"),
        (308, "PATCH", "PATCH"),
        (302, "DELETE", "DELETE"),
        (303, "DELETE", "GET"),
        (303, "HEAD", "HEAD"),
    ],
)
async def test_methods(engine: Engine, status: int, method: str, followed_by: str) -> None:
    headers = [("Content-Type", "text/plain"), ("Authorization", "Bearer t"), ("X-Api-Key", "k")]
    body = b"payload" if method in ("POST", "PUT", "PATCH") else None
    async with Server(redirect_once(status, "/end")) as server:
        request = HttpRequest(method, f"{server.url}/start", headers, body, follow_redirects=True)
        response = await engine.send(request)
    last = server.last
    assert (last.method, last.target) == (followed_by, "/end")
    assert last.body == (body if followed_by == method and body else b"")
    assert last.one("authorization") == "Bearer t"
    assert last.one("x-api-key") == "k"
    assert last.one("content-type") == (None if followed_by != method else "text/plain")
    assert response.url == f"{server.url}/end"


async def test_not_followed_unless_asked(engine: Engine) -> None:
    async with Server(redirect_once(302, "/end")) as server:
        response = await engine.send(HttpRequest("GET", f"{server.url}/start"))
    assert (response.status, response.header("location"), response.body) == (302, "/end", b"moved")


@pytest.mark.parametrize("status", [300, 304])
async def test_other_statuses_are_not_followed(engine: Engine, status: int) -> None:
    async with Server(redirect_once(status, "/end")) as server:
        response = await engine.send(HttpRequest("GET", f"{server.url}/start", follow_redirects=True))
    assert response.status == status


async def test_a_redirect_without_a_place_is_the_answer(engine: Engine) -> None:
    async with Server(always(reply(302, "nowhere"))) as server:
        response = await engine.send(HttpRequest("GET", server.url, follow_redirects=True))
    assert (response.status, response.body) == (302, b"nowhere")


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/end", "/end"),
        ("end?x=1", "/end?x=1"),
        ("../end", "/end"),
        ("?only=query", "/start?only=query"),
        ("/with space", "/with%20space"),
        ("/umlaut-ü", "/umlaut-%C3%BC"),
        ("/kept%2Fescape", "/kept%2Fescape"),
        ("/end#fragment", "/end"),
    ],
)
async def test_places(engine: Engine, location: str, target: str) -> None:
    async with Server(redirect_once(302, location)) as server:
        if target.startswith("/start"):
            server.handler = redirect_to_query(location)
        await engine.send(HttpRequest("GET", f"{server.url}/start", follow_redirects=True))
    assert server.last.target == target


def redirect_to_query(location: str) -> Handler:
    async def handler(request: Received, writer: asyncio.StreamWriter) -> bytes:
        return reply() if "?" in request.target else reply(302, headers=[("Location", location)])

    return handler


@pytest.mark.parametrize("status", [302, 307, 308])
async def test_credentials_do_not_cross_origins(engine: Engine, status: int) -> None:
    headers = [
        ("Authorization", "Bearer t"),
        ("Cookie", "c=1"),
        ("X-Api-Key", "k"),
        ("Anything-Else", "maybe secret"),
        ("Accept", "text/html"),
        ("Content-Type", "text/plain"),
        ("Host", "virtual.example"),
    ]
    async with Server(always(reply(body="other"))) as other:
        async with Server(redirect_once(status, f"{other.url}/end")) as server:
            await engine.send(HttpRequest("PUT", f"{server.url}/start", headers, b"data", follow_redirects=True))
        names = {name.lower() for name, _ in other.last.headers}
        assert names == {"host", "accept", "content-type", "accept-encoding", "user-agent", "content-length"}
        assert other.last.one("host") == f"127.0.0.1:{other.port}"
        assert other.last.body == b"data"


async def test_credentials_do_not_come_back_after_a_detour(engine: Engine) -> None:
    """Home, away, home again: what was dropped on the way stays dropped."""
    async with Server(redirect_once(302, "/")) as home, Server(always(reply())) as away:
        home.handler = redirect_once(302, away.url)
        away.handler = always(reply(302, headers=[("Location", f"{home.url}/end")]))
        request = HttpRequest("GET", f"{home.url}/start", [("Authorization", "Bearer t")], follow_redirects=True)
        await engine.send(request)
    assert home.last.target == "/end"
    assert home.last.one("authorization") is None


async def test_a_circle_is_found(engine: Engine) -> None:
    async with Server(always(reply(302, headers=[("Location", "/start?token=secret")]))) as server:
        with pytest.raises(TransportError, match="Circular redirect") as caught:
            await engine.send(HttpRequest("GET", f"{server.url}/start?token=secret", follow_redirects=True))
    assert caught.value.fault is TransportFault.TOO_MANY_REDIRECTS
    assert "secret" not in str(caught.value)


async def test_a_long_trail_ends() -> None:
    engine = Engine(HttpConfig(max_redirects=5))

    async def onward(request: Received, writer: asyncio.StreamWriter) -> bytes:
        return reply(302, headers=[("Location", f"/{len(server.requests)}")])

    async with Server(onward) as server:
        with pytest.raises(TransportError, match="Maximum redirects \\(5\\)"):
            await engine.send(HttpRequest("GET", server.url, follow_redirects=True))
        assert len(server.requests) == 6
    await engine.close()


@pytest.mark.parametrize(
    "location",
    [
        "ftp://127.0.0.1/x",
        "javascript:alert(1)",
        "http://user:pw@127.0.0.1/",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "http://2130706433/",
    ],
)
async def test_places_that_cannot_be_requested(engine: Engine, location: str) -> None:
    """The server's mistake, not the caller's: another attempt may be sent elsewhere."""
    async with Server(redirect_once(302, location)) as server:
        with pytest.raises(TransportError, match="The server redirects to an address") as caught:
            await engine.send(HttpRequest("GET", f"{server.url}/start", follow_redirects=True))
    assert caught.value.fault is TransportFault.PROTOCOL
    assert "pw" not in str(caught.value)


async def test_a_streamed_body_cannot_be_sent_twice(engine: Engine) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"once"

    async with Server(redirect_once(307, "/end")) as server:
        with pytest.raises(TransportError, match="streamed and is gone"):
            await engine.send(HttpRequest("POST", f"{server.url}/start", body=pieces(), follow_redirects=True))


async def test_the_connection_serves_all_hops(engine: Engine) -> None:
    async with Server(redirect_once(302, "/end")) as server:
        await engine.send(HttpRequest("GET", f"{server.url}/start", follow_redirects=True))
    assert server.connections == 1


async def test_a_redirect_with_an_endless_body_is_followed(engine: Engine) -> None:
    async def endless(request: Received, writer: asyncio.StreamWriter) -> bytes | None:
        if request.target != "/start":
            return reply(body="there")
        writer.write(reply(302, headers=[("Location", "/end")], length=10**12))
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with Server(endless) as server:
        response = await engine.send(HttpRequest("GET", f"{server.url}/start", follow_redirects=True))
    assert response.body == b"there"
