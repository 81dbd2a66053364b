"""The engine against real sockets: what it sends, what it reads, what it keeps."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from coupler.errors import InputError
from coupler.http.config import HttpConfig
from coupler.http.engine import Engine
from coupler.http.messages import HttpRequest, TransportError, TransportFault
from tests.http.server import Received, Server, always, reply


async def test_request_line_headers_and_body_go_out_as_given(engine: Engine) -> None:
    headers = [("X-Second", "2"), ("x-first", "1"), ("X-Second", "again"), ("Content-Type", "text/plain")]
    async with Server(always(reply(body="done"))) as server:
        response = await engine.send(HttpRequest("POST", f"{server.url}/a%2Fb;c=d?x=%20&y", headers, b"hello"))
    received = server.last
    assert (received.method, received.target, received.body) == ("POST", "/a%2Fb;c=d?x=%20&y", b"hello")
    assert [pair for pair in received.headers if pair in headers] == headers
    assert response.body == b"done"


async def test_the_engine_adds_only_what_the_request_lacks(engine: Engine) -> None:
    async with Server(always(reply())) as server:
        await engine.send(HttpRequest("GET", server.url))
        bare = server.last
        await engine.send(
            HttpRequest("GET", server.url, [("user-agent", "mine"), ("accept-encoding", "identity"), ("Host", "other")])
        )
        given = server.last
    assert {name.lower() for name, _ in bare.headers} == {"host", "accept-encoding", "user-agent"}
    assert (bare.one("user-agent") or "").startswith("coupler/")
    assert (bare.one("accept-encoding") or "").startswith("gzip, deflate")
    assert (given.one("user-agent"), given.one("accept-encoding"), given.one("host")) == ("mine", "identity", "other")


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [("POST", None, "0"), ("PUT", b"", "0"), ("PATCH", None, "0"), ("GET", None, None), ("POST", b"abc", "3")],
)
async def test_content_length(engine: Engine, method: str, body: bytes | None, length: str | None) -> None:
    async with Server(always(reply())) as server:
        await engine.send(HttpRequest(method, server.url, [("Content-Length", "999")], body))
    assert server.last.one("content-length") == length


@pytest.mark.parametrize(
    "header",
    [("X-A", "b\r\nX-Injected: 1"), ("X-A", "nul\0"), ("X A", "b"), ("X-A:", "b"), ("", "b"), ("X-A\r\nB", "c")],
)
async def test_headers_that_would_break_the_message_are_refused(engine: Engine, header: tuple[str, str]) -> None:
    async with Server(always(reply())) as server:
        with pytest.raises(InputError, match="header"):
            await engine.send(HttpRequest("GET", server.url, [header]))
    assert server.requests == []


async def test_response_headers_keep_spelling_order_and_repeats(engine: Engine) -> None:
    headers = [("X-Trace-ID", "1"), ("set-cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Umlaut", "grün"), ("X-Empty", "")]
    async with Server(always(reply(201, headers=headers, reason="Made it"))) as server:
        response = await engine.send(HttpRequest("GET", server.url))
    assert (response.status, response.reason) == (201, "Made it")
    assert response.headers == [*headers, ("Content-Length", "0")]


async def test_a_latin_1_header_is_read(engine: Engine) -> None:
    raw = b"HTTP/1.1 200 OK\r\nX-Name: gr\xfcn\r\nContent-Length: 0\r\n\r\n"
    async with Server(always(raw)) as server:
        response = await engine.send(HttpRequest("GET", server.url))
    assert response.header("x-name") == "grün"


@pytest.mark.parametrize("phrase", [b"Schl\xfcssel fehlt", "Schlüssel fehlt".encode()])
async def test_a_phrase_outside_of_ascii_is_read(engine: Engine, phrase: bytes) -> None:
    raw = b"HTTP/1.1 404 " + phrase + b"\r\nContent-Length: 0\r\n\r\n"
    async with Server(always(raw)) as server:
        response = await engine.send(HttpRequest("GET", server.url))
    assert response.reason == "Schlüssel fehlt"


async def test_a_status_line_without_a_phrase_has_an_empty_reason(engine: Engine) -> None:
    async with Server(always(reply(200, reason=""))) as server:
        assert (await engine.send(HttpRequest("GET", server.url))).reason == ""


async def test_connections_are_reused_and_idle_ones_given_up() -> None:
    for keep_alive_seconds, connections in ((60.0, 1), (0.05, 2)):
        engine = Engine(HttpConfig(keep_alive_seconds=keep_alive_seconds))
        async with Server(always(reply())) as server:
            await engine.send(HttpRequest("GET", server.url))
            await asyncio.sleep(0.2)
            await engine.send(HttpRequest("GET", server.url))
            assert server.connections == connections
            await engine.close()


async def test_connections_per_origin_are_limited() -> None:
    running = most = 0

    async def slow(request: Received, writer: asyncio.StreamWriter) -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return reply()

    engine = Engine(HttpConfig(max_connections_per_origin=3))
    async with Server(slow) as server:
        await asyncio.gather(*(engine.send(HttpRequest("GET", server.url)) for _ in range(12)))
        await engine.close()
    assert most == 3
    assert server.connections == 3


async def test_a_wait_for_a_connection_counts_as_connecting() -> None:
    engine = Engine(HttpConfig(max_connections_per_origin=1))

    async def silent(request: Received, writer: asyncio.StreamWriter) -> bytes:
        await asyncio.sleep(30)
        return reply()

    async with Server(silent) as server:
        holder = asyncio.create_task(engine.send(HttpRequest("GET", server.url)))
        while not server.requests:
            await asyncio.sleep(0.01)
        with pytest.raises(TransportError) as caught:
            await engine.send(HttpRequest("GET", server.url, connect_timeout_seconds=0.05))
        holder.cancel()
        await asyncio.gather(holder, return_exceptions=True)
        await engine.close()
    assert caught.value.fault is TransportFault.TIMEOUT


async def test_cookies_are_not_kept_between_calls(engine: Engine) -> None:
    async with Server(always(reply(headers=[("Set-Cookie", "session=1; Path=/")]))) as server:
        await engine.send(HttpRequest("GET", server.url))
        await engine.send(HttpRequest("GET", server.url))
    assert server.last.one("cookie") is None


async def test_cookies_of_concurrent_calls_do_not_mix(engine: Engine) -> None:
    async def mirror(request: Received, writer: asyncio.StreamWriter) -> bytes:
        await asyncio.sleep(0.01)
        return reply(body=request.one("cookie") or "", headers=[("Set-Cookie", f"own={request.one('cookie')}")])

    async with Server(mirror) as server:
        wanted = [f"job={number}" for number in range(20)]
        responses = await asyncio.gather(
            *(engine.send(HttpRequest("GET", server.url, [("Cookie", cookie)])) for cookie in wanted)
        )
    assert [response.body.decode() for response in responses] == wanted


async def test_the_engine_serves_again_after_close(engine: Engine) -> None:
    async with Server(always(reply(body="x"))) as server:
        await engine.send(HttpRequest("GET", server.url))
        await engine.close()
        assert (await engine.send(HttpRequest("GET", server.url))).body == b"x"
    assert server.connections == 2


async def test_a_cancelled_call_gives_up_its_connection(engine: Engine) -> None:
    closed = asyncio.Event()

    async def silent(request: Received, writer: asyncio.StreamWriter) -> bytes | None:
        await writer.wait_closed()
        closed.set()
        return None

    async with Server(silent) as server:
        call = asyncio.create_task(engine.send(HttpRequest("GET", server.url)))
        while not server.requests:
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        async with Server(always(reply(body="next"))) as other:
            assert (await engine.send(HttpRequest("GET", other.url))).body == b"next"


async def test_a_body_of_pieces_is_sent_chunked(engine: Engine) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"one ", b"two ", b"three"):
            await asyncio.sleep(0)
            yield piece

    async with Server(always(reply())) as server:
        await engine.send(HttpRequest("POST", server.url, body=pieces()))
    assert server.last.body == b"one two three"
    assert server.last.one("transfer-encoding") == "chunked"


async def test_a_large_body_arrives_whole_with_its_length(engine: Engine) -> None:
    body = bytes(range(256)) * 20_000
    async with Server(always(reply())) as server:
        await engine.send(HttpRequest("PUT", server.url, body=body))
    assert server.last.body == body
    assert server.last.one("content-length") == str(len(body))


async def test_a_streamed_response_is_read_while_it_arrives(engine: Engine) -> None:
    go_on = asyncio.Event()

    async def in_two(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(body="first", length=11))
        await go_on.wait()
        writer.write(b"second")
        await writer.drain()

    async with Server(in_two) as server, engine.stream(HttpRequest("GET", server.url)) as response:
        pieces = response.pieces
        first = await anext(pieces)
        go_on.set()
        rest = b"".join([piece async for piece in pieces])
    assert (response.head.status, first, rest) == (200, b"first", b"second")


async def test_a_streamed_response_that_is_left_early_closes_its_connection(engine: Engine) -> None:
    async with Server(always(reply(body=b"x" * 5_000_000))) as server:
        async with engine.stream(HttpRequest("GET", server.url)) as response:
            assert await anext(response.pieces)
        assert (await engine.send(HttpRequest("GET", server.url))).status == 200
        assert server.connections == 2


def test_aiohttp_is_not_imported_before_the_first_call() -> None:
    code = (
        "import sys; import coupler_rest; from coupler.http.engine import Engine; Engine();"
        "assert 'aiohttp' not in sys.modules and 'httpx' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_informational_answers_are_passed_over(engine: Engine) -> None:
    hints = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
    async with Server(always(hints + reply(201, "final", reason="Created"))) as server:
        for _ in range(2):
            response = await engine.send(HttpRequest("POST", server.url, body=b"x"))
            assert (response.status, response.body) == (201, b"final")
            assert response.header("link") is None
    assert server.connections == 1


async def test_the_answer_to_head_has_no_body(engine: Engine) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
    async with Server(always(head)) as server:
        for _ in range(2):
            response = await engine.send(HttpRequest("HEAD", server.url))
            assert (response.body, response.header("content-length")) == (b"", "5000")
    assert server.connections == 1


async def test_a_body_without_a_length_ends_with_its_connection(engine: Engine) -> None:
    async def until_close(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        await writer.drain()

    async with Server(until_close) as server:
        for _ in range(2):
            assert (await engine.send(HttpRequest("GET", server.url))).body == b"all of it"
    assert server.connections == 2


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_server_that_closes_is_not_asked_on_the_same_connection(engine: Engine, version: str) -> None:
    answer = f"HTTP/{version} 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok".encode()
    async with Server(always(answer)) as server:
        for _ in range(3):
            assert (await engine.send(HttpRequest("POST", server.url, body=b"x"))).body == b"ok"
    assert server.connections == 3


async def test_a_connection_that_changes_its_protocol_is_given_up(engine: Engine) -> None:
    switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\nchat chat"
    async with Server(always(switch)) as server:
        response = await engine.send(HttpRequest("GET", server.url))
        assert (response.status, response.body) == (101, b"")
        server.handler = always(reply(body="plain"))
        assert (await engine.send(HttpRequest("GET", server.url))).body == b"plain"
    assert server.connections == 2


@pytest.mark.parametrize("method", ["GET / HTTP/1.1\r\nX: y\r\n\r\nGET", "", "GE T", "GET\n"])
async def test_a_method_that_would_break_the_message_is_refused(engine: Engine, method: str) -> None:
    with pytest.raises(InputError, match="method"):
        await engine.send(HttpRequest(method, "http://127.0.0.1:1/"))


async def test_half_a_character_in_a_header_is_refused(engine: Engine) -> None:
    async with Server(always(reply())) as server:
        with pytest.raises(InputError, match="surrogate"):
            await engine.send(HttpRequest("GET", server.url, [("X-A", "\ud800")]))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}", "http://127.0.0.1:{port}?x=1", "http://127.0.0.1:{port}/#f"]
)
async def test_request_targets(engine: Engine, url: str) -> None:
    async with Server(always(reply())) as server:
        await engine.send(HttpRequest("GET", url.format(port=server.port)))
    assert server.last.target == ("/?x=1" if "?" in url else "/")
    assert server.last.one("host") == f"127.0.0.1:{server.port}"


async def test_many_calls_at_once_keep_their_answers_apart(engine: Engine) -> None:
    async def echo(request: Received, writer: asyncio.StreamWriter) -> bytes:
        await asyncio.sleep(0.001 * (int(request.body) % 7))
        return reply(body=request.body)

    async with Server(echo) as server:
        requests = [HttpRequest("POST", server.url, body=str(number).encode()) for number in range(300)]
        responses = await asyncio.gather(*(engine.send(request) for request in requests))
    assert [response.body for response in responses] == [request.body for request in requests]


@pytest.mark.parametrize("silence", [None, 0.0, 5.0])
async def test_a_large_body_with_and_without_a_limit_of_silence(engine: Engine, silence: float | None) -> None:
    body = b"0123456789" * 100_000
    async with Server(always(reply())) as server:
        await engine.send(HttpRequest("POST", server.url, body=body, read_timeout_seconds=silence))
    assert server.last.body == body
