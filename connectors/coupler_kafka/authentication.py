"""From ``Security`` to the keyword arguments of aiokafka. Imports aiokafka."""

from __future__ import annotations

import asyncio
import importlib.util
from concurrent.futures import Executor
from typing import Any

from aiokafka.abc import AbstractTokenProvider  # type: ignore[import-untyped]
from aiokafka.errors import AuthenticationFailedError  # type: ignore[import-untyped]

from coupler.sdk import ConnectorError, InputError
from coupler.sdk.http import HttpEngine
from coupler.sdk.oauth import TokenCache
from coupler_kafka.security import OAuth, Security
from coupler_kafka.tls import ssl_context


class Tokens(AbstractTokenProvider):  # type: ignore[misc]
    """Tokens of OAUTHBEARER, from the token endpoint through the runtime's HTTP engine."""

    def __init__(self, oauth: OAuth, cache: TokenCache, engine: HttpEngine) -> None:
        self._oauth = oauth
        self._cache = cache
        self._engine = engine
        self._last = ""

    async def token(self) -> str:
        """A valid token.

        Raises:
            AuthenticationFailedError: the endpoint gives none. aiokafka bears no other class at this place.
        """
        try:
            self._last = await self._cache.token(self._engine, self._oauth.request)
        except (ConnectorError, InputError) as error:
            raise AuthenticationFailedError(f"no token from the token endpoint: {error.message}") from error
        return self._last

    def refused(self) -> None:
        """The brokers did not take the token: the next one is fetched anew."""
        self._cache.evict(self._oauth.request, self._last)

    def extensions(self) -> dict[str, str]:
        """SASL extensions (KIP-342)."""
        return dict(self._oauth.extensions)


async def client_security(
    security: Security, threads: Executor, cache: TokenCache, engine: HttpEngine
) -> dict[str, Any]:
    """Keyword arguments for a producer.

    Raises:
        ConnectorError: TLS material cannot be used, or a library is missing.
        InputError: TLS material of a kind that cannot be used here.
    """
    options: dict[str, Any] = {"security_protocol": security.protocol}
    if security.tls is not None:
        loop = asyncio.get_running_loop()
        options["ssl_context"] = await loop.run_in_executor(threads, ssl_context, security.tls)
    if security.mechanism is None:
        return options
    options["sasl_mechanism"] = security.mechanism
    if security.credentials is not None:
        options["sasl_plain_username"], options["sasl_plain_password"] = security.credentials
    if security.oauth is not None:
        options["sasl_oauth_token_provider"] = Tokens(security.oauth, cache, engine)
    if security.mechanism == "GSSAPI":
        if importlib.util.find_spec("gssapi") is None:
            raise ConnectorError("SASL GSSAPI needs a library that is not installed: pip install 'aiokafka[gssapi]'")
        options["sasl_kerberos_service_name"] = security.kerberos_service
        options["sasl_kerberos_domain_name"] = security.kerberos_domain
    return options


__all__ = ["Tokens", "client_security"]
