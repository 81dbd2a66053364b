"""Calls carry who we are, over gRPC and over REST."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from aiohttp import web

from coupler.errors import ConfigError, GatewayError, GatewayStatus
from coupler.gateway.auth import authorization
from coupler.gateway.auth_config import AuthConfig
from coupler.gateway.config import GatewayConfig
from coupler.gateway.connect import connect
from coupler.gateway.protocol import ActivateRequest, StreamRequest
from coupler.gateway.tokens import TokenSource
from coupler.http.engine import Engine
from tests.gateway.grpc_front import GrpcFront, until
from tests.gateway.identity_provider import IdentityProvider
from tests.gateway.rest_front import RestFront, problem

POLL = ActivateRequest("t", "w", lease_seconds=60, max_jobs=10, request_timeout_seconds=-1)
BASIC = AuthConfig(method="basic", username="demo", password="s:crät")
BASIC_VALUE = "Basic " + base64.b64encode("demo:s:crät".encode()).decode()


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = Engine()
    yield engine
    await engine.close()


def oidc(provider: IdentityProvider) -> AuthConfig:
    return AuthConfig(method="oidc", client_id="me", client_secret="x", token_url=provider.token_url)


async def test_basic_over_grpc_and_rest(engine: Engine) -> None:
    async with GrpcFront() as grpc_front, RestFront() as rest_front:
        config = GatewayConfig(grpc_address=grpc_front.address, rest_address=rest_front.address, auth=BASIC)
        gateway = connect(config, engine)
        await gateway.topology()
        await gateway.activate(POLL)
        stream = gateway.stream(StreamRequest("t", "w", 60))
        read = asyncio.ensure_future(anext(stream))
        await until(lambda: len(grpc_front.calls) == 3)
        await stream.aclose()
        with pytest.raises(StopAsyncIteration):
            await read
        with pytest.raises(GatewayError):
            await gateway.process_definition_xml(1)
        await gateway.close()

    assert [call.metadata["authorization"] for call in grpc_front.calls] == [BASIC_VALUE] * 3
    assert [call.headers["authorization"] for call in rest_front.calls] == [BASIC_VALUE]


async def test_a_bearer_token_is_shared_by_all_calls_of_both_transports(engine: Engine) -> None:
    async with IdentityProvider() as provider, GrpcFront() as grpc_front, RestFront() as rest_front:
        config = GatewayConfig(
            grpc_address=grpc_front.address, rest_address=rest_front.address, prefer_rest=True, auth=oidc(provider)
        )
        gateway = connect(config, engine)
        await asyncio.gather(*(gateway.topology() for _ in range(10)))
        stream = gateway.stream(StreamRequest("t", "w", 60))
        read = asyncio.ensure_future(anext(stream))
        await until(lambda: len(grpc_front.calls) == 1)
        await stream.aclose()
        with pytest.raises(StopAsyncIteration):
            await read
        await gateway.close()

    assert {call.headers["authorization"] for call in rest_front.calls} == {"Bearer token-1"}
    assert [call.metadata["authorization"] for call in grpc_front.calls] == ["Bearer token-1"]
    assert len(provider.requests) == 1


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused token is replaced however young it is."""
    monkeypatch.setattr("coupler.gateway.tokens._REFUSED_YOUNG_SECONDS", -1.0)


@pytest.mark.usefixtures("eager")
async def test_a_command_with_a_revoked_token_is_sent_again_with_a_new_one(engine: Engine) -> None:
    async with IdentityProvider() as provider, GrpcFront() as grpc_front, RestFront() as rest_front:
        grpc_front.backend.add_job("t")

        async def only_the_second(request: Any, context: Any) -> Any:
            if dict(context.invocation_metadata())["authorization"] == "Bearer token-1":
                await context.abort(grpc.StatusCode.UNAUTHENTICATED, "revoked")
            return grpc_front_topology()

        async def only_the_third(request: web.Request) -> web.StreamResponse:
            if request.headers["authorization"] != "Bearer token-3":
                return problem(401, "UNAUTHORIZED", "revoked")
            return web.Response(text="<xml/>", content_type="text/xml")

        grpc_front.overrides["Topology"] = only_the_second
        rest_front.override = only_the_third
        config = GatewayConfig(grpc_address=grpc_front.address, rest_address=rest_front.address, auth=oidc(provider))
        gateway = connect(config, engine)
        await gateway.topology()
        assert await gateway.process_definition_xml(1) == "<xml/>"
        await gateway.close()

    assert provider.issued == 3


def grpc_front_topology() -> Any:
    from coupler.gateway.proto import gateway_pb2 as pb

    return pb.TopologyResponse(gatewayVersion="8.8.0")


async def test_a_gateway_that_refuses_every_token_costs_no_token_per_call(engine: Engine) -> None:
    async with IdentityProvider() as provider, GrpcFront() as front:

        async def refuse(_request: Any, context: Any) -> Any:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "wrong audience")

        for name in ("Topology", "ActivateJobs", "StreamActivatedJobs"):
            front.overrides[name] = refuse
        gateway = connect(GatewayConfig(grpc_address=front.address, auth=oidc(provider)), engine)
        for _ in range(5):
            for call in (
                gateway.topology(),
                gateway.activate(POLL),
                anext(gateway.stream(StreamRequest("t", "w", 60))),
            ):
                with pytest.raises(GatewayError, match="wrong audience") as caught:
                    await call
                assert caught.value.status is GatewayStatus.UNAUTHENTICATED
        await gateway.close()

    assert len(provider.requests) == 1


async def test_without_a_token_no_call_is_made(engine: Engine) -> None:
    async with IdentityProvider() as provider, GrpcFront() as front, RestFront() as rest_front:
        provider.answers += [(401, {"error": "invalid_client"})] * 3
        config = GatewayConfig(grpc_address=front.address, rest_address=rest_front.address, auth=oidc(provider))
        gateway = connect(config, engine)
        stream = gateway.stream(StreamRequest("t", "w", 60))
        for call in (gateway.topology(), gateway.activate(POLL), anext(stream), gateway.process_definition_xml(1)):
            with pytest.raises(GatewayError, match="invalid_client") as caught:
                await call
            assert caught.value.status is GatewayStatus.UNAUTHENTICATED
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        await gateway.close()

    assert front.calls == []
    assert rest_front.calls == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"method": "basic", "username": "x"}, "gateway.auth.password is not set"),
        ({"method": "basic", "password": "x"}, "gateway.auth.username is not set"),
        ({"method": "oidc", "client_id": "x", "token_url": "http://x"}, "gateway.auth.client_secret is not set"),
        ({"method": "oidc", "client_id": "x", "client_secret": "y"}, "gateway.auth.token_url"),
        (
            {"method": "oidc", "client_id": "x", "client_secret": "y", "token_url": "login"},
            "gateway.auth.token_url 'login' is not a URL",
        ),
        ({"method": "kerberos"}, "it must be 'none', 'basic' or 'oidc'"),
        ({"ca_certificate_path": Path("/nowhere")}, "there is no file /nowhere"),
    ],
)
def test_incomplete_credentials_are_refused_naming_the_setting(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        AuthConfig(**settings)


def test_secrets_are_not_shown() -> None:
    config = AuthConfig(method="oidc", client_id="a", client_secret="hidden", token_url="http://x", password="hidden")
    assert "hidden" not in repr(GatewayConfig(auth=config))


async def test_none_needs_nothing(engine: Engine) -> None:
    assert authorization(AuthConfig(), engine) is None


class Authority:
    """Certificates for servers and clients, as files and contexts."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self._folder = folder
        self.certificate = self._written("ca.pem", self._ca.cert_pem)
        client = self._ca.issue_cert("worker")
        self.client_certificate = self._written("client.pem", client.cert_chain_pems[0])
        self.client_key = self._written("client.key", client.private_key_pem)

    def server(self, *, mutual: bool = False) -> ssl.SSLContext:
        """A server's context."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._ca.issue_cert("localhost").configure_cert(context)
        if mutual:
            self._ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _written(self, name: str, blob: trustme.Blob) -> Path:
        path = self._folder / name
        blob.write_to_path(path)
        return path


async def test_rest_with_an_own_authority_and_a_client_certificate(engine: Engine, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with RestFront(tls=authority.server(mutual=True)) as front:
        common: dict[str, Any] = {"rest_address": front.address, "prefer_rest": True}
        known = GatewayConfig(
            **common,
            ca_certificate_path=authority.certificate,
            client_certificate_path=authority.client_certificate,
            client_key_path=authority.client_key,
        )
        assert (await connect(known, engine).topology()).healthy
        anonymous = GatewayConfig(**common, ca_certificate_path=authority.certificate)
        untrusting = GatewayConfig(**common)
        for config in (anonymous, untrusting):
            with pytest.raises(GatewayError) as caught:
                await connect(config, engine).topology()
            assert caught.value.status is GatewayStatus.UNAVAILABLE


async def test_an_identity_provider_with_an_own_authority(engine: Engine, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with IdentityProvider(tls=authority.server()) as provider:
        config = AuthConfig(
            method="oidc",
            client_id="me",
            client_secret="x",
            issuer_url=provider.issuer_url,
            ca_certificate_path=authority.certificate,
        )
        assert await TokenSource(config, engine).token() == "token-1"
