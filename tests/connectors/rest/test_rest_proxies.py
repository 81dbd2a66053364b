"""REST calls through a proxy that wants credentials."""

from __future__ import annotations

from collections.abc import Iterator

import proxy
import pytest

from coupler.errors import ConnectorError
from coupler.http.config import HttpConfig, Proxy, ProxyConfig
from coupler.http.engine import Engine
from coupler_rest import RestConnector
from tests.connectors.kit import Bench
from tests.http.server import Server, always, reply


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    arguments = ["--hostname", "127.0.0.1", "--port", "0", "--num-workers", "1", "--num-acceptors", "1"]
    with proxy.Proxy([*arguments, "--basic-auth", "user:right"]) as server:
        yield int(server.flags.port)


def bench(port: int, password: str) -> Bench:
    way = Proxy("127.0.0.1", port, user="user", password=password)
    return Bench(RestConnector(), Engine(HttpConfig(proxies=ProxyConfig(way, way))))


async def test_a_call_with_credentials(port: int) -> None:
    rest = bench(port, "right")
    async with Server(always(reply(body='{"a": 1}'))) as server:
        assert (await rest.run({"method": "POST", "url": server.url, "body": {"b": 2}}))["body"] == {"a": 1}
        await rest.engine.close()
    assert server.last.body == b'{"b":2}'


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_wrong_credentials(port: int, scheme: str) -> None:
    rest = bench(port, "wrong")
    with pytest.raises(ConnectorError) as caught:
        await rest.run({"method": "GET", "url": f"{scheme}://shop.example/"})
    await rest.engine.close()
    assert (caught.value.code, caught.value.message) == ("407", "Proxy Authentication Required")
