"""Servers that break the rules, or the patience: every case ends in a typed fault, in bounded time and memory."""

from __future__ import annotations

import asyncio
import gzip
import socket
import time
import zlib
from contextlib import suppress

import pytest

from coupler.http.config import HttpConfig
from coupler.http.engine import Engine
from coupler.http.messages import HttpRequest, TransportError, TransportFault
from tests.http.server import Handler, Received, Server, always, reply

READ = 0.15
NO_MATTER = 8.0  # a read timeout that has no part in the outcome, on however busy a machine


async def fault_from(
    handler: Handler, engine: Engine, method: str = "GET", limit: int | None = None, *, read: float = NO_MATTER
) -> TransportError:
    async with Server(handler) as server:
        request = HttpRequest(method, server.url, read_timeout_seconds=read, max_body_bytes=limit)
        with pytest.raises(TransportError) as caught:
            async with asyncio.timeout(10):
                await engine.send(request)
    return caught.value


async def test_silence_before_the_headers(engine: Engine) -> None:
    async def silent(request: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    error = await fault_from(silent, engine, read=READ)
    assert (error.fault, error.headers_received) == (TransportFault.TIMEOUT, False)


async def test_silence_within_the_headers(engine: Engine) -> None:
    async def half(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-A: ")
        await asyncio.sleep(30)

    error = await fault_from(half, engine, read=READ)
    assert (error.fault, error.headers_received) == (TransportFault.TIMEOUT, False)


async def test_silence_within_the_body(engine: Engine) -> None:
    async def half(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(404, body="half", length=100, reason="Not Found"))
        await asyncio.sleep(30)

    error = await fault_from(half, engine, read=10 * READ)  # the headers are to arrive within it
    assert (error.fault, error.headers_received) == (TransportFault.TIMEOUT, True)
    assert error.response is not None
    assert (error.response.status, error.response.reason) == (404, "Not Found")


async def test_a_slow_body_without_silence_is_fine(engine: Engine) -> None:
    # Given a body that takes longer than a read may, in pieces far apart from that limit
    read = 10 * READ

    async def drip(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(body="", length=12))
        for _ in range(12):
            await asyncio.sleep(read / 10)
            writer.write(b"x")
            await writer.drain()

    async with Server(drip) as server:
        response = await engine.send(HttpRequest("GET", server.url, read_timeout_seconds=read))
    assert response.body == b"x" * 12


async def test_no_read_timeout_waits(engine: Engine) -> None:
    async def late(request: Received, writer: asyncio.StreamWriter) -> bytes:
        await asyncio.sleep(READ * 3)
        return reply(body="late")

    async with Server(late) as server:
        for unlimited in (None, 0.0):
            request = HttpRequest("GET", server.url, read_timeout_seconds=unlimited)
            assert (await engine.send(request)).body == b"late"


async def test_a_server_that_stops_reading_the_request(engine: Engine) -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    request = HttpRequest(
        "POST", f"http://127.0.0.1:{listener.getsockname()[1]}", body=b"x" * 20_000_000, read_timeout_seconds=READ
    )
    with pytest.raises(TransportError) as caught:
        async with asyncio.timeout(10):
            await engine.send(request)
    listener.close()
    assert caught.value.fault is TransportFault.TIMEOUT


async def test_an_early_answer_to_a_large_request(engine: Engine) -> None:
    answered, handled = asyncio.Event(), asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply(413, body="too much", reason="Content Too Large"))
        await answered.wait()
        writer.transport.abort()
        handled.set()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with asyncio.timeout(10):
        response = await engine.send(HttpRequest("POST", url, body=b"x" * 20_000_000))
        answered.set()
        await handled.wait()
    server.close()
    assert (response.status, response.body) == (413, b"too much")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_connection_closed_without_an_answer(engine: Engine, method: str) -> None:
    calls = 0

    async def hang_up(request: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1

    error = await fault_from(hang_up, engine, method)
    assert (error.fault, error.headers_received) == (TransportFault.DISCONNECTED, False)
    assert calls == 1, "a fresh connection is not tried twice"


@pytest.mark.parametrize(("method", "expected"), [("GET", 3), ("PUT", 3), ("DELETE", 3), ("POST", 2), ("PATCH", 2)])
async def test_a_stale_pooled_connection_is_resent_only_when_that_is_safe(
    engine: Engine, method: str, expected: int
) -> None:
    """The first call is answered, the second meets a connection that dies just then."""

    async def die_on_second(request: Received, writer: asyncio.StreamWriter) -> bytes | None:
        return None if len(server.requests) == 2 else reply(body=str(request.connection))

    async with Server(die_on_second) as server:
        await engine.send(HttpRequest(method, server.url))
        with suppress(TransportError):
            await engine.send(HttpRequest(method, server.url))
        assert len(server.requests) == expected


async def test_resending_can_be_switched_off() -> None:
    engine = Engine(HttpConfig(resend_stale=False))

    async def die_on_second(request: Received, writer: asyncio.StreamWriter) -> bytes | None:
        return None if len(server.requests) == 2 else reply()

    async with Server(die_on_second) as server:
        await engine.send(HttpRequest("GET", server.url))
        with pytest.raises(TransportError):
            await engine.send(HttpRequest("GET", server.url))
        assert len(server.requests) == 2
        await engine.close()


async def test_a_truncated_body(engine: Engine) -> None:
    async def cut(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(body="only this", length=5000))
        await writer.drain()

    error = await fault_from(cut, engine)
    assert (error.fault, error.headers_received) == (TransportFault.DISCONNECTED, True)


async def test_a_truncated_chunked_body(engine: Engine) -> None:
    async def cut(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await writer.drain()

    error = await fault_from(cut, engine)
    assert (error.fault, error.headers_received) == (TransportFault.DISCONNECTED, True)


async def test_broken_chunks(engine: Engine) -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnothex\r\nhello\r\n"
    error = await fault_from(always(raw), engine)
    assert error.fault in (TransportFault.PROTOCOL, TransportFault.DISCONNECTED)


async def test_a_length_that_is_too_short_does_not_leak_into_the_next_answer(engine: Engine) -> None:
    smuggled = reply(body="not yours")
    async with Server(always(reply(body=b"hello" + smuggled, length=5))) as server:
        bodies = []
        for _ in range(4):
            with suppress(TransportError):
                bodies.append((await engine.send(HttpRequest("GET", server.url))).body)
    assert set(bodies) <= {b"hello"}


async def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next() -> None:
    engine = Engine()
    spoken = asyncio.Event()

    async def chatty(request: Received, writer: asyncio.StreamWriter) -> bytes | None:
        if request.connection > 1:
            return reply(body="asked for")
        writer.write(reply(body="first"))
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(reply(body="not asked for"))
        await writer.drain()
        spoken.set()
        await asyncio.sleep(30)
        return None

    async with Server(chatty) as server:
        assert (await engine.send(HttpRequest("GET", server.url))).body == b"first"
        await spoken.wait()
        await asyncio.sleep(0.05)
        assert (await engine.send(HttpRequest("POST", server.url))).body == b"asked for"
        await engine.close()
    assert server.connections == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
    ],
)
async def test_an_answer_that_is_not_http(engine: Engine, raw: bytes) -> None:
    error = await fault_from(always(raw), engine)
    assert error.fault is TransportFault.PROTOCOL


async def test_a_hundred_thousand_headers(engine: Engine) -> None:
    headers = b"".join(b"X-%d: y\r\n" % number for number in range(100_000))
    error = await fault_from(always(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n"), engine)
    assert error.fault is TransportFault.PROTOCOL


async def test_five_hundred_headers_are_fine(engine: Engine) -> None:
    async with Server(always(reply(headers=[(f"X-{number}", "y") for number in range(500)]))) as server:
        assert len((await engine.send(HttpRequest("GET", server.url))).headers) == 501


async def test_a_header_of_a_megabyte(engine: Engine) -> None:
    error = await fault_from(always(reply(headers=[("X-Long", "y" * 1_000_000)])), engine)
    assert error.fault is TransportFault.PROTOCOL


async def test_a_header_of_thirty_kilobytes_is_fine(engine: Engine) -> None:
    async with Server(always(reply(headers=[("X-Long", "y" * 30_000)]))) as server:
        assert len((await engine.send(HttpRequest("GET", server.url))).header("x-long") or "") == 30_000


async def test_an_endless_body(engine: Engine) -> None:
    sent = 0

    async def endless(request: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            sent += 65_536
            await writer.drain()

    error = await fault_from(endless, engine, limit=300_000)
    assert (error.fault, error.headers_received) == (TransportFault.BODY_TOO_LARGE, True)
    assert sent < 20_000_000


async def test_an_announced_body_over_the_limit(engine: Engine) -> None:
    error = await fault_from(always(reply(body="x" * 2000)), engine, limit=1000)
    assert error.fault is TransportFault.BODY_TOO_LARGE


async def test_a_body_of_exactly_the_limit(engine: Engine) -> None:
    async with Server(always(reply(body="x" * 1000))) as server:
        response = await engine.send(HttpRequest("GET", server.url, max_body_bytes=1000))
    assert len(response.body) == 1000


def bomb(coding: str) -> bytes:
    """About 200 KB that become 200 MB."""
    if coding == "gzip":
        return gzip.compress(b"\0" * 200_000_000, 9)
    if coding == "deflate":
        return zlib.compress(b"\0" * 200_000_000, 9)
    return gzip.compress(gzip.compress(b"\0" * 200_000_000, 9), 9)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, gzip"])
async def test_a_compressed_bomb(engine: Engine, coding: str) -> None:
    response = reply(body=bomb(coding), headers=[("Content-Encoding", coding)])
    before = time.process_time()
    error = await fault_from(always(response), engine, limit=10_000_000)
    assert error.fault is TransportFault.BODY_TOO_LARGE
    assert time.process_time() - before < 5


async def test_a_port_without_a_server(engine: Engine) -> None:
    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    with pytest.raises(TransportError, match=f"127.0.0.1:{port}") as caught:
        await engine.send(HttpRequest("GET", f"http://127.0.0.1:{port}"))
    assert caught.value.fault is TransportFault.CONNECT


async def test_a_name_that_does_not_exist(engine: Engine) -> None:
    with pytest.raises(TransportError) as caught:
        await engine.send(HttpRequest("GET", "http://no-such-host.invalid/"))
    assert caught.value.fault is TransportFault.CONNECT


async def test_a_connection_that_is_never_accepted(engine: Engine) -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    request = HttpRequest(
        "GET", f"http://127.0.0.1:{listener.getsockname()[1]}", connect_timeout_seconds=0.2, read_timeout_seconds=0.2
    )
    with pytest.raises(TransportError) as caught:
        async with asyncio.timeout(10):
            await engine.send(request)
    for filler in fillers:
        filler.close()
    listener.close()
    assert caught.value.fault is TransportFault.TIMEOUT


async def test_an_abrupt_reset(engine: Engine) -> None:
    async def reset(request: Received, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    error = await fault_from(reset, engine)
    assert error.fault is TransportFault.DISCONNECTED
