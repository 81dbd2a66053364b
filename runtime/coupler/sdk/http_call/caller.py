"""The call itself: token fetched, request sent, status judged, body brought into the chosen form."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt

from coupler.http.answers import result
from coupler.http.failures import status_error, transport_failure
from coupler.http.messages import HttpRequest, HttpResponse, StreamedResponse, TransportError
from coupler.http.oauth import TokenCache, TokenRequest
from coupler.sdk.authentication import Authentication, token_request_of
from coupler.sdk.context import JobContext
from coupler.sdk.documents import INLINE_LIMIT_BYTES, DocumentReturnFormat, ReturnFormat
from coupler.sdk.errors import ConnectorError
from coupler.sdk.http_call.documents import stored
from coupler.sdk.http_call.results import body_of, broken_body, error_body_of, response_limit
from coupler.sdk.http_call.retry_after import STATUSES, respecting, retry_after_seconds

IDEMPOTENCY_HEADER = "idempotencyKey"


class HttpCallSettings(BaseModel):
    """Settings of a connector that makes HTTP calls.

    Attributes:
        idempotency_key: Send ``Idempotency-Key: <job key>`` with every call. A single element asks for it with the
            task header ``idempotencyKey`` = ``true``.
        resend_busy: How often a call that is answered with 429 or 503 is sent again while the job waits.
        resend_wait_seconds: The wait before that, where the server does not say; it is also the longest wait.
        token_skew_seconds: How long before its end an access token counts as expired.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    idempotency_key: bool = False
    resend_busy: NonNegativeInt = 0
    resend_wait_seconds: NonNegativeFloat = 1.0
    token_skew_seconds: NonNegativeFloat = 10.0


class HttpCaller:
    """Makes calls for all jobs of one connector; holds its access tokens."""

    def __init__(self, settings: HttpCallSettings | None = None) -> None:
        self._settings = settings or HttpCallSettings()
        self._tokens = TokenCache(self._settings.token_skew_seconds)

    async def close(self) -> None:
        """Ends token requests that are under way."""
        await self._tokens.close()

    async def call(
        self,
        request: HttpRequest,
        authentication: Authentication | None,
        context: JobContext,
        format_: DocumentReturnFormat | None = None,
        *,
        store: bool = False,
    ) -> dict[str, Any]:
        """Makes the call and returns status, headers, body, reason and document.

        Args:
            request: Complete but for what needs a token.
            authentication: How the call proves who it is.
            context: The job.
            format_: What becomes of the body.
            store: Store the body as a document, where ``format_`` says nothing.

        Raises:
            ConnectorError: a status of 400 or more, or no usable response.
            RetryLater: the same, when the server says when to come again and the model does not.
            InputError: the request cannot be made as the model has it.
        """
        chosen = None if format_ is None else format_.checked()
        if self._settings.idempotency_key or context.headers.get(IDEMPOTENCY_HEADER, "").strip().lower() == "true":
            _add_idempotency_key(request.headers, context.job_key)
        wanted = None if authentication is None else token_request_of(authentication)
        try:
            if chosen is ReturnFormat.DOCUMENT or (chosen is None and store):
                request.max_body_bytes = context.documents.config.max_stream_bytes
                return await self._stored(request, wanted, context, chosen)
            request.max_body_bytes = response_limit(chosen)
            response = await self._send(request, wanted, context)
        except TransportError as error:
            raise broken_body(error, chosen) or transport_failure(error) from error
        if response.status >= 400:
            raise _status_failure(response, chosen, context)
        encoding = None if format_ is None else format_.encoding
        return result(response, body_of(response, chosen, encoding))

    async def _send(self, request: HttpRequest, wanted: TokenRequest | None, context: JobContext) -> HttpResponse:
        engine = context.http_engine
        if wanted is None:
            response = await engine.send(request)
        else:
            token = await self._tokens.token(engine, wanted)
            headers = request.headers
            request.headers = _with_token(headers, token)
            response = await engine.send(request)
            if response.status == 401:
                self._tokens.evict(wanted, token)
                request.headers = _with_token(headers, await self._tokens.token(engine, wanted))
                response = await engine.send(request)
        for _ in range(self._settings.resend_busy):
            wait_seconds = self._wait_seconds(response)
            if wait_seconds is None:
                break
            await asyncio.sleep(wait_seconds)
            response = await engine.send(request)
        return response

    def _wait_seconds(self, response: HttpResponse) -> float | None:
        """How long to wait before a busy server is asked again; ``None``: it is not.

        What is longer than a job should wait becomes its backoff instead.
        """
        if response.status not in STATUSES:
            return None
        longest = self._settings.resend_wait_seconds
        asked = retry_after_seconds(response)
        if asked is None:
            return longest
        return asked if asked <= longest else None

    async def _stored(
        self, request: HttpRequest, wanted: TokenRequest | None, context: JobContext, chosen: ReturnFormat | None
    ) -> dict[str, Any]:
        engine, headers = context.http_engine, request.headers
        token, renewed = "", wanted is None
        if wanted is not None:
            token = await self._tokens.token(engine, wanted)
            request.headers = _with_token(headers, token)
        resends = self._settings.resend_busy
        while True:
            async with engine.stream(request) as lent:
                refused = lent.head.status == 401 and not renewed
                wait_seconds = self._wait_seconds(lent.head) if resends else None
                if not refused and wait_seconds is None:
                    return await self._kept(lent, context, chosen)
            if wait_seconds is not None:
                resends -= 1
                await asyncio.sleep(wait_seconds)
            elif wanted is not None:
                renewed = True
                self._tokens.evict(wanted, token)
                request.headers = _with_token(headers, await self._tokens.token(engine, wanted))

    async def _kept(self, lent: StreamedResponse, context: JobContext, chosen: ReturnFormat | None) -> dict[str, Any]:
        response = lent.head
        if response.status >= 400:
            response.body = await _first_bytes(lent)
            raise _status_failure(response, chosen, context)
        document = await stored(lent, context)
        return result(response, None, document.reference())


async def _first_bytes(lent: StreamedResponse) -> bytes:
    """As much of an error's body as fits into variables."""
    body = b""
    async for piece in lent.pieces:
        body += piece
        if len(body) > INLINE_LIMIT_BYTES:
            break
    return body[:INLINE_LIMIT_BYTES]


def _add_idempotency_key(headers: list[tuple[str, str]], job_key: int) -> None:
    """All attempts of a job have the same key; one that the model has chosen stays."""
    if all(name.lower() != "idempotency-key" for name, _ in headers):
        headers.append(("Idempotency-Key", str(job_key)))


def _with_token(headers: list[tuple[str, str]], token: str) -> list[tuple[str, str]]:
    return [("Authorization", f"Bearer {token}"), *headers]


def _status_failure(response: HttpResponse, chosen: ReturnFormat | None, context: JobContext) -> ConnectorError:
    return respecting(status_error(response, error_body_of(response, chosen)), response, context)


__all__ = ["HttpCallSettings", "HttpCaller"]
