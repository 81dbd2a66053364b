"""The egress policy at the moment of connecting: what a name leads to then counts, not what it led to before."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from coupler.errors import EgressDenied
from coupler.http.config import EgressConfig, HttpConfig
from coupler.http.engine import Engine
from coupler_s3 import S3Connector
from tests.connectors.kit import Bench
from tests.http.server import Server, always, reply

NAME = "rebound.example"


async def public(host: str, port: int) -> list[str]:
    """What the name resolves to while it is checked."""
    return ["93.184.216.34"]


@pytest.fixture(autouse=True)
def rebound(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the name resolves to when it is dialled."""
    real = socket.getaddrinfo

    def resolve(host: Any, *more: Any, **named: Any) -> Any:
        return real("127.0.0.1" if host == NAME else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def call(port: int) -> dict[str, Any]:
    return {
        "actionDiscriminator": "downloadObject",
        "authentication": {"type": "credentials", "accessKey": "a", "secretKey": "b"},
        "configuration": {"region": "eu-central-1", "endpoint": f"http://{NAME}:{port}"},
        "action": {"bucket": "latest", "key": "meta-data"},
        "documentReturnFormat": {"choice": "TEXT"},
    }


async def download(config: EgressConfig, port: int) -> Any:
    engine = Engine(HttpConfig(egress=config), lookup=public)
    connector = S3Connector()
    try:
        return await Bench(connector, engine).run(call(port))
    finally:
        await connector.close()
        await engine.close()


async def test_a_name_that_changes_its_address_leads_nowhere() -> None:
    async with Server(always(reply(body="secret"))) as server:
        with pytest.raises(EgressDenied, match=f"Host '{NAME}' resolved to '127.0.0.1' was denied: DENY_LOOPBACK"):
            await download(EgressConfig(allow_loopback=False), server.port)
        assert server.requests == []
        assert server.connections <= 1  # not tried again


async def test_a_host_that_is_allowed_by_name_is_not_judged() -> None:
    async with Server(always(reply(body="fine"))) as server:
        result = await download(EgressConfig(allow_loopback=False, allow_hosts=(NAME,)), server.port)
    assert result["element"] == {"content": "fine"}
