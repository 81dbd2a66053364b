"""A client of the schema registry's API: ids of schemas, asked for once and shared by all jobs."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from coupler.sdk import ConnectorError, InputError
from coupler.sdk.http import HttpEngine, HttpRequest, HttpResponse, TlsMaterial, TransportError
from coupler.sdk.json import Malformed, dump_bytes, loads
from coupler.sdk.oauth import TokenCache
from coupler_kafka.registry_options import RegistryOptions
from coupler_kafka.tls import TlsOptions, pem_material

_MEDIA_TYPE: Final = "application/vnd.schemaregistry.v1+json"
_LATEST_SECONDS: Final = 300.0
_LIMIT_BYTES: Final = 4 * 1024 * 1024


@dataclass(slots=True, frozen=True)
class Known:
    """A schema that the registry knows; ``text`` is the registry's where the latest version was asked for."""

    id: int
    text: str


class Registry:
    """All registries that jobs use.

    Args:
        engine: the runtime's HTTP engine.
        tokens: access tokens, for registries that want one.
        threads: where key stores are opened.
        limit: the most ids that are kept; the least recently used goes first.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        engine: HttpEngine,
        tokens: TokenCache,
        threads: Executor,
        limit: int = 1000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._tokens = tokens
        self._threads = threads
        self._limit = limit
        self._clock = clock
        self._kept: OrderedDict[tuple[Any, ...], tuple[Known, float]] = OrderedDict()
        self._flights: dict[tuple[Any, ...], asyncio.Task[Known]] = {}
        self._tls: dict[TlsOptions, TlsMaterial] = {}

    async def known(self, options: RegistryOptions, subject: str, text: str, kind: str) -> Known:
        """The id to write, and the schema to write by.

        Args:
            options: which registry, and how it is used.
            subject: under which name.
            text: the model's schema.
            kind: ``AVRO`` or ``JSON``.

        Raises:
            ConnectorError: the registry cannot be reached, or refuses.
        """
        key = (options, subject, text, kind)
        kept = self._kept.get(key)
        if kept is not None and kept[1] > self._clock():
            self._kept.move_to_end(key)
            return kept[0]
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._fetch(key, options, subject, text, kind))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        # Shielded: a job that is cancelled while it waits must not take the answer from the others.
        return await asyncio.shield(flight)

    async def close(self) -> None:
        """Ends calls that are under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    async def _fetch(self, key: tuple[Any, ...], options: RegistryOptions, subject: str, text: str, kind: str) -> Known:
        asked = (
            self._latest(options, subject, kind)
            if options.source == "latest"
            else self._id(options, subject, text, kind)
        )
        known = await asked
        until = self._clock() + _LATEST_SECONDS if options.source == "latest" else float("inf")
        self._kept[key] = known, until
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        return known

    def _landed(self, key: tuple[Any, ...], flight: asyncio.Task[Known]) -> None:
        self._flights.pop(key, None)
        if not flight.cancelled():
            flight.exception()  # seen, also when every waiting job has gone meanwhile

    async def _id(self, options: RegistryOptions, subject: str, text: str, kind: str) -> Known:
        path = f"/subjects/{quote(subject, safe='')}"
        if options.source == "register":
            path += "/versions"
        if options.normalize:
            path += "?normalize=true"
        body = {"schema": text} if kind == "AVRO" else {"schema": text, "schemaType": kind}
        answer = await self._call(options, "POST", path, dump_bytes(body))
        return Known(_whole(answer, "id"), text)

    async def _latest(self, options: RegistryOptions, subject: str, kind: str) -> Known:
        answer = await self._call(options, "GET", f"/subjects/{quote(subject, safe='')}/versions/latest", None)
        text, found = answer.get("schema"), answer.get("schemaType", "AVRO")
        if not isinstance(text, str) or found != kind:
            raise ConnectorError(f"The latest version of {subject} in the schema registry is no {kind} schema")
        return Known(_whole(answer, "id"), text)

    async def _call(self, options: RegistryOptions, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        """Asks one address after the other until one answers."""
        headers = await self._headers(options)
        tls = await self._material(options)
        failure: ConnectorError | None = None
        for url in options.urls:
            request = HttpRequest(method, url + path, list(headers), body, max_body_bytes=_LIMIT_BYTES, tls=tls)
            try:
                response = await self._engine.send(request)
            except TransportError as error:
                failure = ConnectorError(f"The schema registry {url} cannot be reached: {error.message}")
                failure.__cause__ = error
                continue
            if response.status < 500:
                return _answer(response, url)
            failure = _refusal(response, url)
        assert failure is not None, "there is at least one address"
        raise failure

    async def _headers(self, options: RegistryOptions) -> list[tuple[str, str]]:
        headers = [("Content-Type", _MEDIA_TYPE), ("Accept", _MEDIA_TYPE), *options.headers]
        if options.token is not None:
            try:
                token = await self._tokens.token(self._engine, options.token)
            except (ConnectorError, InputError) as error:
                raise ConnectorError(f"No token for the schema registry: {error.message}") from error
            headers.append(("Authorization", f"Bearer {token}"))
        elif options.authorization is not None:
            headers.append(("Authorization", options.authorization))
        return headers

    async def _material(self, options: RegistryOptions) -> TlsMaterial | None:
        if options.tls is None:
            return None
        material = self._tls.get(options.tls)
        if material is None:
            loop = asyncio.get_running_loop()
            material = await loop.run_in_executor(self._threads, pem_material, options.tls)
            if len(self._tls) < self._limit:
                self._tls[options.tls] = material
        return material


def _answer(response: HttpResponse, url: str) -> dict[str, Any]:
    if response.status >= 300:
        raise _refusal(response, url)
    try:
        answer = loads(response.body)
    except Malformed as error:
        raise ConnectorError(f"The answer of the schema registry {url} is no JSON") from error
    if not isinstance(answer, dict):
        raise ConnectorError(f"The answer of the schema registry {url} is no JSON object")
    return answer


def _refusal(response: HttpResponse, url: str) -> ConnectorError:
    try:
        answer = loads(response.body)
    except Malformed:
        answer = None
    if isinstance(answer, dict) and "message" in answer:
        said = f"{answer['message']}; error code: {answer.get('error_code', response.status)}"
    else:
        said = f"status {response.status}"
    return ConnectorError(f"The schema registry {url} refuses: {said[:500]}")


def _whole(answer: dict[str, Any], name: str) -> int:
    value = answer.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise ConnectorError("The answer of the schema registry holds no id")
    return value


__all__ = ["Known", "Registry"]
