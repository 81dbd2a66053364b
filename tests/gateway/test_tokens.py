"""Access tokens: fetched once, kept, renewed in time, and not asked for again and again."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator

import pytest

from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.auth_config import AuthConfig
from coupler.gateway.tokens import TokenSource
from coupler.http.engine import Engine
from coupler.testing import ManualClock
from tests.gateway.grpc_front import until
from tests.gateway.identity_provider import IdentityProvider

SECRET = 'very "secret" välue'


@dataclasses.dataclass
class Rig:
    """A token source with a clock that tests turn, and its identity provider."""

    provider: IdentityProvider
    tokens: TokenSource
    clock: ManualClock


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    engine = Engine()
    clock = ManualClock()
    async with IdentityProvider() as provider:
        config = AuthConfig(
            method="oidc",
            client_id="me",
            client_secret=SECRET,
            token_url=provider.token_url,
            audience="zeebe-api",
            scope="a b",
            resource="urn:x",
        )
        tokens = TokenSource(config, engine, clock=clock)
        yield Rig(provider, tokens, clock)
        await tokens.close()
        await engine.close()


async def test_the_request_is_a_client_credentials_grant(rig: Rig) -> None:
    assert await rig.tokens.token() == "token-1"
    assert rig.provider.requests == [
        {
            "grant_type": "client_credentials",
            "client_id": "me",
            "client_secret": SECRET,
            "audience": "zeebe-api",
            "scope": "a b",
            "resource": "urn:x",
        }
    ]


async def test_many_calls_at_once_fetch_one_token(rig: Rig) -> None:
    assert set(await asyncio.gather(*(rig.tokens.token() for _ in range(50)))) == {"token-1"}
    assert await rig.tokens.token() == "token-1"
    assert len(rig.provider.requests) == 1


async def test_a_token_is_renewed_before_it_ends_while_calls_go_on_with_the_old_one(rig: Rig) -> None:
    await rig.tokens.token()
    rig.clock.now += 3539
    assert await rig.tokens.token() == "token-1"
    assert len(rig.provider.requests) == 1

    rig.clock.now += 2  # within the last minute
    assert await rig.tokens.token() == "token-1"
    async with asyncio.timeout(20):
        while await rig.tokens.token() != "token-2":
            await asyncio.sleep(0.005)
    assert rig.provider.issued == 2


async def test_a_token_that_has_ended_is_not_used(rig: Rig) -> None:
    rig.provider.expires_in = "60"  # some providers answer with text
    await rig.tokens.token()
    rig.clock.now += 61
    assert await rig.tokens.token() == "token-2"


@pytest.mark.parametrize("answer", [None, "soon", -1])
async def test_a_token_without_a_readable_life_lives_five_minutes(rig: Rig, answer: object) -> None:
    rig.provider.expires_in = answer
    await rig.tokens.token()
    rig.clock.now += 200
    assert await rig.tokens.token() == "token-1"
    rig.clock.now += 101
    assert await rig.tokens.token() == "token-2"


async def test_a_failed_renewal_does_no_harm_while_the_token_is_valid(rig: Rig) -> None:
    await rig.tokens.token()
    rig.provider.answers.append((503, {}))
    rig.clock.now += 3550
    assert await rig.tokens.token() == "token-1"
    await until(lambda: len(rig.provider.requests) == 2)
    await asyncio.sleep(0.02)
    assert await rig.tokens.token() == "token-1"


async def test_after_a_failure_the_provider_is_left_alone_for_a_while(rig: Rig) -> None:
    rig.provider.answers += [(503, {}), (503, {})]
    for _ in range(5):
        with pytest.raises(GatewayError, match="answered 503") as caught:
            await rig.tokens.token()
        assert caught.value.status is GatewayStatus.UNAVAILABLE
    assert len(rig.provider.requests) == 1

    rig.clock.now += 0.6
    with pytest.raises(GatewayError):
        await rig.tokens.token()
    assert len(rig.provider.requests) == 2
    rig.clock.now += 0.6  # the pause has grown
    with pytest.raises(GatewayError):
        await rig.tokens.token()
    assert len(rig.provider.requests) == 2
    rig.clock.now += 1
    assert await rig.tokens.token() == "token-1"


@pytest.mark.parametrize(
    ("status", "meaning"),
    [(400, "UNAUTHENTICATED"), (401, "UNAUTHENTICATED"), (429, "UNAVAILABLE"), (500, "UNAVAILABLE")],
)
async def test_what_the_provider_says_is_told_but_no_secret(
    rig: Rig, status: int, meaning: str, caplog: pytest.LogCaptureFixture
) -> None:
    content = {"error": "invalid_client", "error_description": "unknown client", "echo": SECRET}
    rig.provider.answers.append((status, content))
    with caplog.at_level(logging.DEBUG), pytest.raises(GatewayError) as caught:
        await rig.tokens.token()
    assert f"answered {status} invalid_client unknown client" in caught.value.message
    assert caught.value.status is GatewayStatus[meaning]
    assert "invalid_client" in caplog.text
    assert "secret" not in caplog.text + caught.value.message


async def test_an_answer_without_a_token_is_an_error(rig: Rig) -> None:
    rig.provider.answers.append((200, {"token": "x"}))
    with pytest.raises(GatewayError, match="without an access_token"):
        await rig.tokens.token()


async def test_a_provider_that_is_not_there_is_unavailable() -> None:
    engine = Engine()
    config = AuthConfig(method="oidc", client_id="a", client_secret="b", token_url="http://127.0.0.1:1/token")
    with pytest.raises(GatewayError, match="cannot be reached") as caught:
        await TokenSource(config, engine).token()
    assert caught.value.status is GatewayStatus.UNAVAILABLE
    await engine.close()


async def test_a_refused_token_is_replaced_unless_it_is_brand_new(rig: Rig) -> None:
    await rig.tokens.token()
    assert not rig.tokens.forget("token-1")
    rig.clock.now += 11
    assert rig.tokens.forget("token-1")
    assert await rig.tokens.token() == "token-2"
    assert rig.tokens.forget("token-1")  # a late word about the old one
    assert await rig.tokens.token() == "token-2"


async def test_the_token_url_is_found_by_discovery(rig: Rig) -> None:
    engine = Engine()
    config = AuthConfig(method="oidc", client_id="a", client_secret="b", issuer_url=f"{rig.provider.issuer_url}/")
    tokens = TokenSource(config, engine)
    assert await tokens.token() == "token-1"
    tokens.forget("token-1")
    assert await tokens.token() == "token-1"
    assert rig.provider.discoveries == 1
    await engine.close()


async def test_a_waiting_call_that_is_cancelled_does_not_cancel_the_others(rig: Rig) -> None:
    first = asyncio.ensure_future(rig.tokens.token())
    second = asyncio.ensure_future(rig.tokens.token())
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "token-1"
