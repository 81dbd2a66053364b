"""Access tokens, from a token server that checks what it is sent."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from coupler.errors import ConnectorError, EgressDenied, InputError
from coupler.http.config import EgressConfig, HttpConfig
from coupler.http.engine import Engine
from coupler.http.oauth import TokenCache, TokenRequest, fetch_token
from tests.http.server import Received, Server, always, reply


class Clock:
    """Monotonic seconds that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def issue(request: Received, writer: object) -> bytes:
    """Client ``id`` with secret ``secret`` gets a new token each time; nobody else gets any."""
    form = {name: values[0] for name, values in parse_qs(request.body.decode(), strict_parsing=True).items()}
    basic = (request.one("authorization") or "").removeprefix("Basic ")
    known = (
        b64decode(basic) == b"id:secret"
        if basic
        else (form.get("client_id"), form.get("client_secret"))
        == (
            "id",
            "secret",
        )
    )
    if request.method != "POST" or request.one("content-type") != "application/x-www-form-urlencoded":
        return reply(405)
    if not known:
        return reply(401, json.dumps({"error": "invalid_client"}), reason="Unauthorized")
    if form["grant_type"] == "refresh_token" and form.get("refresh_token") != "refresh":
        return reply(400, json.dumps({"error": "invalid_grant"}), reason="Bad Request")
    issue.count += 1  # type: ignore[attr-defined]
    return reply(body=json.dumps({"access_token": f"token-{issue.count}", "expires_in": 60}))  # type: ignore[attr-defined]


issue.count = 0  # type: ignore[attr-defined]


def request_for(server: Server, **changes: str | None) -> TokenRequest:
    return replace(TokenRequest(f"{server.url}/token", "id", "secret"), **changes)  # type: ignore[arg-type]


def form_of(request: Received) -> dict[str, list[str]]:
    return parse_qs(request.body.decode(), keep_blank_values=True)


@pytest.mark.parametrize("way", ["basicAuthHeader", "credentialsBody"])
async def test_client_credentials(engine: Engine, way: str) -> None:
    async with Server(issue) as server:
        token, lifetime = await fetch_token(
            engine, request_for(server, client_authentication=way, audience="api", scopes="read write")
        )
    form = form_of(server.last)
    assert token.startswith("token-")
    assert lifetime == 60
    assert (form["grant_type"], form["audience"], form["scope"]) == (["client_credentials"], ["api"], ["read write"])
    assert ("client_secret" in form) is (way == "credentialsBody")
    assert (server.last.one("authorization") is None) is (way == "credentialsBody")


@pytest.mark.parametrize("blank", [None, "", "  "])
async def test_absent_parts_are_not_sent(engine: Engine, blank: str | None) -> None:
    async with Server(issue) as server:
        await fetch_token(engine, request_for(server, audience=blank, scopes=blank))
    assert set(form_of(server.last)) == {"grant_type", "client_id", "client_secret"}


async def test_refresh_token(engine: Engine) -> None:
    async with Server(issue) as server:
        await fetch_token(engine, request_for(server, refresh_token="refresh", scopes="read"))
    assert form_of(server.last) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["refresh"],
        "client_id": ["id"],
        "client_secret": ["secret"],
        "scope": ["read"],
    }


@pytest.mark.parametrize("blank", [None, "", " "])
async def test_a_refresh_without_secret_and_scopes(engine: Engine, blank: str | None) -> None:
    async with Server(always(reply(body='{"access_token":"t"}'))) as server:
        await fetch_token(engine, request_for(server, refresh_token="refresh", client_secret=blank, scopes=blank))
    assert set(form_of(server.last)) == {"grant_type", "refresh_token", "client_id"}


@pytest.mark.parametrize("way", ["basicAuthHeader", "credentialsBody"])
async def test_wrong_credentials(engine: Engine, way: str) -> None:
    async with Server(issue) as server:
        with pytest.raises(ConnectorError) as caught:
            await fetch_token(engine, request_for(server, client_secret="wrong", client_authentication=way))
    error = caught.value
    assert (error.code, error.message) == ("401", "Unauthorized")
    assert error.variables is not None
    assert error.variables["response"]["body"] == {"error": "invalid_client"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"error":"invalid_grant"}', "OAUTH_REFRESH_TOKEN_EXPIRED"),
        ('{"error":"interaction_required"}', "OAUTH_INTERACTION_REQUIRED"),
        ('{"error":"temporarily_unavailable"}', "OAUTH_TOKEN_ERROR"),
        ('{"error":"invalid_grant","error_description":"expired yesterday"}', "OAUTH_REFRESH_TOKEN_EXPIRED"),
    ],
)
async def test_a_refusal_with_status_200(engine: Engine, body: str, code: str) -> None:
    async with Server(always(reply(body=body))) as server:
        with pytest.raises(ConnectorError) as caught:
            await fetch_token(engine, request_for(server, refresh_token="refresh"))
    assert caught.value.code == code
    if "yesterday" in body:
        assert "expired yesterday" in caught.value.message


async def test_a_refusal_with_status_400_has_its_status_as_code(engine: Engine) -> None:
    async with Server(issue) as server:
        with pytest.raises(ConnectorError) as caught:
            await fetch_token(engine, request_for(server, refresh_token="spent"))
    assert caught.value.code == "400"


@pytest.mark.parametrize("body", ["{}", '{"access_token":""}', '{"access_token":5}', '"token"', "[]", "plain", ""])
async def test_answers_without_a_token(engine: Engine, body: str) -> None:
    async with Server(always(reply(body=body))) as server:
        with pytest.raises(ConnectorError) as caught:
            await fetch_token(engine, request_for(server))
    assert caught.value.code == "OAUTH_TOKEN_ERROR"


@pytest.mark.parametrize(
    "body",
    ['{"access_token":"deep"}', '{"data":{"inner":[1,{"access_token":"deep"}]}}', '{"a":null,"access_token":"deep"}'],
)
async def test_the_token_is_found_at_any_depth(engine: Engine, body: str) -> None:
    async with Server(always(reply(body=body))) as server:
        assert (await fetch_token(engine, request_for(server)))[0] == "deep"


async def test_an_unknown_way_of_client_authentication(engine: Engine) -> None:
    with pytest.raises(InputError, match="basicAuthHeader or credentialsBody"):
        await fetch_token(engine, TokenRequest("http://127.0.0.1:1", "id", "secret", "somehow"))


async def test_an_endpoint_that_is_not_there(engine: Engine) -> None:
    with pytest.raises(ConnectorError) as caught:
        await fetch_token(engine, TokenRequest("http://127.0.0.1:1/token", "id", "secret"))
    assert caught.value.code == "408"


async def test_the_endpoint_is_not_redirected(engine: Engine) -> None:
    async with Server(always(reply(302, headers=[("Location", "/elsewhere")]))) as server:
        with pytest.raises(ConnectorError, match="JSON object"):
            await fetch_token(engine, request_for(server))
        assert len(server.requests) == 1


async def test_the_egress_policy_holds_for_the_endpoint() -> None:
    engine = Engine(HttpConfig(egress=EgressConfig(allow_loopback=False)))
    async with Server(issue) as server:
        with pytest.raises(EgressDenied):
            await fetch_token(engine, request_for(server))
        assert server.connections == 0
    await engine.close()


async def test_a_token_is_fetched_once_and_renewed_before_it_ends(engine: Engine) -> None:
    clock = Clock()
    cache = TokenCache(skew_seconds=10, clock=clock)
    async with Server(issue) as server:
        request = request_for(server)
        first = await cache.token(engine, request)
        clock.now += 49
        assert await cache.token(engine, request) == first
        clock.now += 2
        assert await cache.token(engine, request) != first
    assert len(server.requests) == 2


async def test_many_jobs_cause_one_call(engine: Engine) -> None:
    cache = TokenCache()

    async def slow(request: Received, writer: object) -> bytes:
        await asyncio.sleep(0.05)
        return await issue(request, writer)

    async with Server(slow) as server:
        tokens = await asyncio.gather(*(cache.token(engine, request_for(server)) for _ in range(50)))
    assert len(set(tokens)) == 1
    assert len(server.requests) == 1


async def test_a_failure_reaches_all_who_wait_and_is_not_kept(engine: Engine) -> None:
    cache = TokenCache()
    async with Server(always(reply(500, reason="Oops"))) as server:
        request = request_for(server)
        results = await asyncio.gather(*(cache.token(engine, request) for _ in range(5)), return_exceptions=True)
        assert [getattr(result, "code", None) for result in results] == ["500"] * 5
        server.handler = issue
        assert await cache.token(engine, request)
    assert len(server.requests) == 2


async def test_a_cancelled_job_does_not_take_the_token_from_the_others(engine: Engine) -> None:
    cache = TokenCache()
    arrived = asyncio.Event()

    async def slow(request: Received, writer: object) -> bytes:
        arrived.set()
        await asyncio.sleep(0.05)
        return await issue(request, writer)

    async with Server(slow) as server:
        first = asyncio.create_task(cache.token(engine, request_for(server)))
        await arrived.wait()
        second = asyncio.create_task(cache.token(engine, request_for(server)))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).startswith("token-")
        assert first.cancelled()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "lifetime", ["", ',"expires_in":"60"', ',"expires_in":10', ',"expires_in":-1', ',"expires_in":true']
)
async def test_tokens_that_are_not_kept(engine: Engine, lifetime: str) -> None:
    cache = TokenCache(skew_seconds=10)
    async with Server(always(reply(body=f'{{"access_token":"t"{lifetime}}}'))) as server:
        for _ in range(2):
            await cache.token(engine, request_for(server))
    assert len(server.requests) == 2


async def test_a_fractional_lifetime(engine: Engine) -> None:
    cache = TokenCache(skew_seconds=0)
    async with Server(always(reply(body='{"access_token":"t","expires_in":59.5}'))) as server:
        for _ in range(2):
            await cache.token(engine, request_for(server))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "other"},
        {"client_secret": "other"},
        {"audience": "other"},
        {"scopes": "other"},
        {"client_authentication": "basicAuthHeader"},
        {"refresh_token": "refresh"},
        {"endpoint": "/other"},
    ],
)
async def test_what_makes_tokens_different(engine: Engine, change: dict[str, str]) -> None:
    cache = TokenCache()
    async with Server(always(reply(body='{"access_token":"t","expires_in":60}'))) as server:
        request = request_for(server)
        if "endpoint" in change:
            change = {"endpoint": server.url + change["endpoint"]}
        await cache.token(engine, request)
        await cache.token(engine, replace(request, **change))
        await cache.token(engine, replace(request))
    assert len(server.requests) == 2


async def test_eviction_drops_that_token_alone(engine: Engine) -> None:
    cache = TokenCache()
    async with Server(issue) as server:
        kept, refused = request_for(server, scopes="kept"), request_for(server, scopes="refused")
        first, other = await cache.token(engine, refused), await cache.token(engine, kept)
        cache.evict(refused, first)
        second = await cache.token(engine, refused)
        assert second != first
        cache.evict(refused, first)  # the news of an old refusal comes late
        assert await cache.token(engine, refused) == second
        assert await cache.token(engine, kept) == other


async def test_the_least_recently_used_token_makes_room(engine: Engine) -> None:
    cache = TokenCache(limit=2)
    async with Server(issue) as server:
        requests = [request_for(server, scopes=str(number)) for number in range(3)]
        for request in (requests[0], requests[1], requests[0], requests[2]):
            await cache.token(engine, request)
        assert len(server.requests) == 3
        await cache.token(engine, requests[0])
        assert len(server.requests) == 3
        await cache.token(engine, requests[1])
        assert len(server.requests) == 4


async def test_close_ends_calls_under_way(engine: Engine) -> None:
    cache = TokenCache()

    async def never(request: Received, writer: object) -> None:
        await asyncio.sleep(30)

    async with Server(never) as server:
        waiting = asyncio.create_task(cache.token(engine, request_for(server)))
        while not server.requests:
            await asyncio.sleep(0.01)
        await cache.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting


def test_secrets_are_not_shown() -> None:
    shown = repr(TokenRequest("http://x", "id", "hidden-secret", refresh_token="hidden-token"))
    assert "hidden" not in shown
