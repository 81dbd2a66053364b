"""Calls of the documents API of a cluster: authorised, sent again while the cluster is busy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from coupler.documents.download import downloading, transport_error
from coupler.errors import ConnectorError, GatewayError
from coupler.gateway.auth import Authorization
from coupler.http.messages import (
    HttpEngine,
    HttpRequest,
    HttpResponse,
    StreamedResponse,
    TransportError,
    TransportFault,
)

BUSY: Final = frozenset({429, 502, 503, 504})
ATTEMPTS: Final = 3
FIRST_PAUSE_SECONDS: Final = 0.1


class DocumentsRest:
    """Sends requests to one cluster. A token that the cluster refuses is replaced once."""

    def __init__(self, engine: HttpEngine, authorization: Authorization | None) -> None:
        self._engine = engine
        self._authorization = authorization

    async def send(self, request: HttpRequest, what: str) -> HttpResponse:
        """The answer, whatever its status; a request whose body is in memory is sent again while the cluster is busy.

        Raises:
            ConnectorError: no answer.
        """
        repeatable = request.body is None or isinstance(request.body, bytes)
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS or not repeatable
            try:
                answer = await self._authorized(request, repeatable)
            except TransportError as error:
                if last or error.fault is not TransportFault.CONNECT:
                    raise transport_error(what, error) from error
            else:
                if last or answer.status not in BUSY:
                    return answer
            await asyncio.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def download(self, request: HttpRequest, what: str) -> AsyncIterator[StreamedResponse]:
        """Lends the answer, whatever its status.

        Raises:
            ConnectorError: no answer.
        """
        value = await self._value()
        async with downloading(self._engine, _with(request, value), what) as response:
            if response.head.status != 401 or not self._refused(value):
                yield response
                return
        async with downloading(self._engine, _with(request, await self._value()), what) as response:
            yield response

    async def _authorized(self, request: HttpRequest, repeatable: bool) -> HttpResponse:
        value = await self._value()
        answer = await self._engine.send(_with(request, value))
        if answer.status == 401 and self._refused(value) and repeatable:
            answer = await self._engine.send(_with(request, await self._value()))
        return answer

    async def _value(self) -> str | None:
        if self._authorization is None:
            return None
        try:
            return await self._authorization.value()
        except GatewayError as error:
            raise ConnectorError(f"The document store cannot be asked: {error}") from error

    def _refused(self, value: str | None) -> bool:
        return value is not None and self._authorization is not None and self._authorization.refused(value)


def _with(request: HttpRequest, authorization: str | None) -> HttpRequest:
    if authorization is None:
        return request
    return replace(request, headers=[("Authorization", authorization), *request.headers])


__all__ = ["DocumentsRest"]
