from __future__ import annotations

import asyncio
import signal
import socket

import httpx
import pytest
from prometheus_client import CollectorRegistry

from coupler.admin.config import AdminConfig
from coupler.admin.server import AdminServer, bind
from coupler.errors import ConfigError
from tests.admin.view import FakeView


async def test_it_serves_on_a_real_socket_and_leaves_the_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    server = AdminServer(bind(AdminConfig(port=0)))
    try:
        await server.start(FakeView(), CollectorRegistry(), AdminConfig())
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{server.address}/health/live")

        assert answer.json()["status"] == "up"
        assert signal.getsignal(signal.SIGTERM) is before
    finally:
        await server.close()
    with pytest.raises(httpx.ConnectError):
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.get(f"{server.address}/health/live")


async def test_a_server_that_never_started_can_be_closed() -> None:
    server = AdminServer(bind(AdminConfig(port=0)))
    await server.close()


async def test_closing_does_not_wait_for_idle_connections() -> None:
    server = AdminServer(bind(AdminConfig(port=0)))
    await server.start(FakeView(), CollectorRegistry(), AdminConfig())
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get(f"{server.address}/health/live")
        async with asyncio.timeout(20):
            await server.close()


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"COUPLER_ADMIN__PORT: port {port} of 127.0.0.1 is taken"):
            bind(AdminConfig(port=port))


def test_the_next_free_port_is_taken_when_wanted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with bind(AdminConfig(port=port), next_free=True) as listening:
            assert listening.getsockname()[1] > port


def test_a_host_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigError, match="COUPLER_ADMIN__HOST"):
        bind(AdminConfig(host="192.0.2.1", port=0))


def test_the_address_can_be_opened_in_a_browser() -> None:
    with bind(AdminConfig(host="0.0.0.0", port=0)) as listening:
        assert AdminServer(listening).address == f"http://127.0.0.1:{listening.getsockname()[1]}"


async def test_a_server_that_cannot_serve_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    from coupler.admin.embedding import QuietServer

    async def refuse(self: QuietServer, sockets: object = None) -> None:
        raise OSError("no more sockets")

    monkeypatch.setattr(QuietServer, "startup", refuse)
    server = AdminServer(bind(AdminConfig(port=0)))
    with pytest.raises(OSError, match="no more sockets"):
        async with asyncio.timeout(20):
            await server.start(FakeView(), CollectorRegistry(), AdminConfig())
    await server.close()
