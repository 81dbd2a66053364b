"""The ``authorization`` of calls to the cluster."""

from __future__ import annotations

import base64
from typing import Protocol

from coupler.gateway.auth_config import AuthConfig
from coupler.gateway.tokens import TokenSource
from coupler.http.messages import HttpEngine


class Authorization(Protocol):
    """Says what stands in the ``authorization`` header."""

    async def value(self) -> str:
        """The header's value.

        Raises:
            GatewayError: there is no token to be had.
        """
        ...

    def refused(self, value: str) -> bool:
        """The gateway did not accept this value. Returns whether another one may be had."""
        ...

    async def close(self) -> None:
        """Stops what runs in the background."""
        ...


class Basic:
    """Username and password (RFC 7617)."""

    def __init__(self, username: str, password: str) -> None:
        self._value = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()

    async def value(self) -> str:
        """The same for every call."""
        return self._value

    def refused(self, value: str) -> bool:
        """There is nothing else to try."""
        return False

    async def close(self) -> None:
        """Nothing runs."""


class Bearer:
    """A token of the identity provider (RFC 6750)."""

    def __init__(self, tokens: TokenSource) -> None:
        self._tokens = tokens

    async def value(self) -> str:
        """The current token; fetched only when there is none or it has ended."""
        return "Bearer " + await self._tokens.token()

    def refused(self, value: str) -> bool:
        """Forgets the token: it may have been revoked."""
        return self._tokens.forget(value.removeprefix("Bearer "))

    async def close(self) -> None:
        """Stops a refresh."""
        await self._tokens.close()


def authorization(config: AuthConfig, engine: HttpEngine) -> Authorization | None:
    """What the configured method needs; ``None`` for the method ``none``."""
    if config.method == "basic":
        return Basic(config.username or "", config.password or "")
    if config.method == "oidc":
        return Bearer(TokenSource(config, engine))
    return None
