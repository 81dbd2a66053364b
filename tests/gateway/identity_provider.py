"""An identity provider with a token endpoint and a discovery document."""

from __future__ import annotations

import ssl
from typing import Any

from aiohttp import web

from coupler import json


class IdentityProvider:
    """Hands out ``token-1``, ``token-2`` … ``answers`` holds (status, content) to give first, in order."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[dict[str, str]] = []
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.expires_in: Any = 3600
        self.issued = 0
        self.discoveries = 0
        self._tls = tls
        self._runner: Any = None
        self._port = 0

    @property
    def issuer_url(self) -> str:
        """The base URL."""
        return f"{'https' if self._tls else 'http'}://localhost:{self._port}"

    @property
    def token_url(self) -> str:
        """Where tokens are."""
        return f"{self.issuer_url}/oauth/token"

    async def __aenter__(self) -> IdentityProvider:
        app = web.Application()
        app.add_routes(
            [web.post("/oauth/token", self._token), web.get("/.well-known/openid-configuration", self._discovery)]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "localhost", 0, ssl_context=self._tls).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _token(self, request: web.Request) -> web.Response:
        self.requests.append({name: str(value) for name, value in (await request.post()).items()})
        if self.answers:
            status, content = self.answers.pop(0)
            return web.Response(status=status, text=json.dumps(content), content_type="application/json")
        self.issued += 1
        answer = {"access_token": f"token-{self.issued}", "token_type": "Bearer"}
        if self.expires_in is not None:
            answer["expires_in"] = self.expires_in
        return web.json_response(answer)

    async def _discovery(self, _request: web.Request) -> web.Response:
        self.discoveries += 1
        return web.json_response({"issuer": self.issuer_url, "token_endpoint": self.token_url})
