"""Forward proxies, against proxy.py with credentials."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import proxy
import pytest
import trustme

from coupler.errors import EgressDenied
from coupler.http.config import EgressConfig, HttpConfig, Proxy, ProxyConfig
from coupler.http.engine import Engine
from coupler.http.messages import HttpRequest, TlsMaterial, TransportError, TransportFault
from coupler.http.proxies import Proxies
from coupler.http.targets import parse_target
from tests.http.server import Received, Server, always, reply

USER, PASSWORD = "worker", "s3cret:with colon"


@contextmanager
def running(*options: str) -> Iterator[int]:
    arguments = ["--hostname", "127.0.0.1", "--port", "0", "--num-workers", "1", "--num-acceptors", "1", *options]
    with proxy.Proxy(arguments) as server:
        yield int(server.flags.port)


@pytest.fixture(scope="module")
def guarded_proxy() -> Iterator[int]:
    with running("--basic-auth", f"{USER}:{PASSWORD}") as port:
        yield port


def through(port: int, *, user: str | None = USER, password: str | None = PASSWORD, direct: str = "") -> HttpConfig:
    way = Proxy("127.0.0.1", port, user=user, password=password)
    return HttpConfig(proxies=ProxyConfig(way, way, tuple(direct.split("|")) if direct else ()))


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_calls_go_through_the_proxy(guarded_proxy: int, method: str) -> None:
    body = b"data" if method in ("POST", "PUT") else None
    engine = Engine(through(guarded_proxy))
    async with Server(always(reply(body="arrived"))) as server:
        response = await engine.send(HttpRequest(method, f"{server.url}/a%20b?x=1", [("X-A", "b")], body))
        await engine.close()
    assert response.body == b"arrived"
    assert (server.last.method, server.last.target, server.last.body) == (method, "/a%20b?x=1", body or b"")
    assert server.last.one("via"), "proxy.py marks what passes"
    assert server.last.one("proxy-authorization") is None


async def test_tls_passes_through_a_tunnel(guarded_proxy: int) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    material = TlsMaterial(trusted_certificates=authority.cert_pem.bytes().decode())
    engine = Engine(through(guarded_proxy))
    async with Server(always(reply(body="private")), context) as server:
        for _ in range(2):
            response = await engine.send(HttpRequest("GET", server.url, tls=material))
        await engine.close()
    assert response.body == b"private"
    assert server.last.one("proxy-authorization") is None
    assert server.connections == 1


@pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), ("nobody", PASSWORD), (None, None)])
async def test_wrong_credentials(guarded_proxy: int, user: str | None, password: str | None) -> None:
    engine = Engine(through(guarded_proxy, user=user, password=password))
    async with Server(always(reply())) as server:
        response = await engine.send(HttpRequest("GET", server.url))
        assert (response.status, response.reason) == (407, "Proxy Authentication Required")
        with pytest.raises(TransportError) as caught:
            await engine.send(HttpRequest("GET", server.url.replace("http:", "https:")))
        await engine.close()
    assert caught.value.fault is TransportFault.PROXY
    assert caught.value.response is not None
    assert (caught.value.response.status, caught.value.response.reason) == (407, "Proxy Authentication Required")
    assert server.requests == []


async def test_a_proxy_that_is_not_there() -> None:
    engine = Engine(through(1))
    with pytest.raises(TransportError, match="proxy cannot be reached") as caught:
        await engine.send(HttpRequest("GET", "http://shop.example/"))
    await engine.close()
    assert caught.value.fault is TransportFault.PROXY


async def test_exceptions_go_directly() -> None:
    engine = Engine(through(1, direct="elsewhere|127.*"))
    async with Server(always(reply())) as server:
        assert (await engine.send(HttpRequest("GET", server.url))).status == 200
        await engine.close()


async def test_only_the_scheme_that_has_a_proxy_uses_it() -> None:
    engine = Engine(HttpConfig(proxies=ProxyConfig(https=Proxy("127.0.0.1", 1))))
    async with Server(always(reply())) as server:
        assert (await engine.send(HttpRequest("GET", server.url))).status == 200
        with pytest.raises(TransportError) as caught:
            await engine.send(HttpRequest("GET", f"https://127.0.0.1:{server.port}"))
        await engine.close()
    assert caught.value.fault is TransportFault.PROXY


@pytest.mark.parametrize(
    ("patterns", "host", "direct"),
    [
        (("localhost",), "localhost", True),
        (("localhost",), "localhost.example", False),
        (("*.example.com",), "api.example.com", True),
        (("*.example.com",), "example.com", False),
        (("10.*",), "10.1.2.3", True),
        (("*internal*",), "my-internal-host", True),
        (("Example.com",), "example.com", False),
        (("a.b",), "axb", False),
        (("one", "two"), "two", True),
        (("*",), "anything", True),
        ((), "anything", False),
    ],
)
def test_patterns_of_exceptions(patterns: tuple[str, ...], host: str, direct: bool) -> None:
    proxies = Proxies(ProxyConfig(http=Proxy("proxy", 3128), non_proxy_hosts=patterns))
    assert (proxies.route(parse_target(f"http://{host}/")) is None) is direct


async def names(host: str, port: int) -> list[str]:
    if host == "unknown.test":
        raise OSError(-2, "Name or service not known")
    return {"inner.test": ["10.0.0.1"]}.get(host, ["93.184.216.34"])


@pytest.mark.parametrize("host", ["10.0.0.1", "inner.test", "169.254.169.254"])
async def test_the_policy_holds_for_what_the_proxy_would_reach(host: str) -> None:
    config = through(1)
    engine = Engine(HttpConfig(proxies=config.proxies, egress=EgressConfig(allow_private_ranges=False)), lookup=names)
    with pytest.raises(EgressDenied):
        await engine.send(HttpRequest("GET", f"http://{host}/"))
    await engine.close()


@pytest.mark.parametrize("host", ["unknown.test", "public.test"])
async def test_a_name_that_only_the_proxy_knows_passes(guarded_proxy: int, host: str) -> None:
    """The proxy itself stands on a loopback address that the policy denies to calls."""
    config = HttpConfig(
        proxies=through(guarded_proxy).proxies, egress=EgressConfig(allow_loopback=False, allow_private_ranges=False)
    )
    engine = Engine(config, lookup=names)
    response = await engine.send(HttpRequest("GET", f"http://{host}:9/"))
    await engine.close()
    assert response.status == 502


async def test_proxy_connections_are_reused(guarded_proxy: int) -> None:
    async def keep(request: Received, writer: object) -> bytes:
        return reply(body="x")

    engine = Engine(through(guarded_proxy))
    async with Server(keep) as server:
        for _ in range(3):
            assert (await engine.send(HttpRequest("GET", server.url))).body == b"x"
        await engine.close()
