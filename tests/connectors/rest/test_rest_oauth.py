"""OAuth in REST calls, against an API that believes only its own tokens."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from coupler.errors import ConnectorError
from tests.connectors.kit import Bench
from tests.http.server import Received, Server, reply


class Api:
    """A token endpoint and a resource that takes its latest token only."""

    def __init__(self) -> None:
        self.issued = 0
        self.calls: list[str | None] = []

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> bytes:
        if request.target == "/token":
            self.issued += 1
            return reply(body=json.dumps({"access_token": f"t{self.issued}", "expires_in": 3600}))
        token = request.one("authorization")
        self.calls.append(token)
        if token != f"Bearer t{self.issued}":
            return reply(401, '{"error": "invalid_token"}', reason="Unauthorized")
        return reply(body=request.body or b"{}")

    def revoke(self) -> None:
        """From now on only a token that is issued later is good."""
        self.issued += 1


def call(server: Server, **changes: Any) -> dict[str, Any]:
    authentication = {
        "type": "oauth-client-credentials-flow",
        "oauthTokenEndpoint": f"{server.url}/token",
        "clientId": "id",
        "clientSecret": "secret",
        "clientAuthentication": "credentialsBody",
    }
    return {"method": "POST", "url": f"{server.url}/api", "body": {"a": 1}, "authentication": authentication, **changes}


async def test_a_token_is_fetched_and_kept(rest: Bench) -> None:
    api = Api()
    async with Server(api) as server:
        for _ in range(3):
            assert (await rest.run(call(server)))["body"] == {"a": 1}
    assert api.issued == 1
    assert api.calls == ["Bearer t1"] * 3


async def test_a_refused_token_is_renewed_once(rest: Bench) -> None:
    api = Api()
    async with Server(api) as server:
        await rest.run(call(server))
        api.revoke()
        assert (await rest.run(call(server)))["status"] == 200
    assert api.calls == ["Bearer t1", "Bearer t1", "Bearer t3"]


async def test_an_api_that_refuses_every_token_is_asked_twice(rest: Bench) -> None:
    async def never(request: Received, writer: asyncio.StreamWriter) -> bytes:
        if request.target == "/token":
            return reply(body='{"access_token": "t", "expires_in": 3600}')
        return reply(401, '{"no": 1}', reason="Unauthorized")

    async with Server(never) as server:
        with pytest.raises(ConnectorError) as caught:
            await rest.run(call(server))
        assert [request.target for request in server.requests] == ["/token", "/api", "/token", "/api"]
    assert caught.value.code == "401"
    assert caught.value.variables is not None
    assert caught.value.variables["response"]["body"] == {"no": 1}


async def test_many_jobs_share_one_token_request(rest: Bench) -> None:
    api = Api()
    async with Server(api) as server:
        await asyncio.gather(*(rest.run(call(server)) for _ in range(30)))
    assert api.issued == 1


async def test_a_token_for_a_response_that_is_stored(rest: Bench) -> None:
    api = Api()
    async with Server(api) as server:
        stored = call(server, documentReturnFormat={"choice": "DOCUMENT"})
        await rest.run(stored)
        api.revoke()
        assert (await rest.run(stored))["document"]["camunda.document.type"] == "camunda"
    assert api.calls == ["Bearer t1", "Bearer t1", "Bearer t3"]


async def test_own_headers_stay_beside_the_token(rest: Bench) -> None:
    async with Server(Api()) as server:
        await rest.run(call(server, headers={"X-A": "b"}))
        assert server.last.one("x-a") == "b"


async def test_refresh_tokens(rest: Bench) -> None:
    api = Api()
    async with Server(api) as server:
        authentication = {
            "type": "oauth-refresh-token",
            "oauthTokenEndpoint": f"{server.url}/token",
            "clientId": "id",
            "refreshToken": "r",
        }
        for _ in range(2):
            await rest.run(call(server, authentication=authentication))
    assert api.issued == 1


async def test_an_expired_refresh_token_has_its_own_code(rest: Bench) -> None:
    async def refuse(request: Received, writer: asyncio.StreamWriter) -> bytes:
        return reply(body='{"error": "invalid_grant"}')

    async with Server(refuse) as server:
        authentication = {
            "type": "oauth-refresh-token",
            "oauthTokenEndpoint": f"{server.url}/token",
            "clientId": "id",
            "refreshToken": "r",
        }
        with pytest.raises(ConnectorError) as caught:
            await rest.run(call(server, authentication=authentication))
    assert caught.value.code == "OAUTH_REFRESH_TOKEN_EXPIRED"
    assert len(server.requests) == 1
