"""One HTTP request and its answer, on top of ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import unquote

from coupler import json

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

T = TypeVar("T")

MAX_BODY_BYTES: Final = 4 << 20  # what gRPC takes as well
_MAX_SKIPPED_BYTES: Final = 64 << 20
# A hang-up that the socket knows of has been heard after so many turns of the loop: the write fails, the connection is
# given up, the request is told, and the task that waits for it runs.
_TURNS_TO_HEAR: Final = 4


class Problem(Exception):
    """A request that cannot be answered as it was wanted (RFC 9457)."""

    def __init__(self, status: HTTPStatus, detail: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


class ClientGone(Exception):
    """The client has hung up; there is nobody to answer."""


@dataclass(slots=True)
class Answer:
    """What to send; ``undelivered`` is called when the client turns out to be gone."""

    value: Any = None
    status: HTTPStatus = HTTPStatus.OK
    undelivered: Callable[[], None] | None = None


@dataclass(slots=True)
class Xml:
    """An answer that is no JSON."""

    content: bytes


class Request:
    """One request."""

    def __init__(self, scope: Scope, receive: Receive, stopping: asyncio.Future[None]) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        raw = scope.get("raw_path") or self.path.encode()
        self.segments = tuple(unquote(s) for s in raw.decode("latin-1").partition("?")[0].split("/")[1:])
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._receive = receive
        self._stopping = stopping
        self._hang_up: asyncio.Task[None] | None = None

    async def body(self) -> bytes:
        """The whole body.

        Raises:
            Problem: 413, it is too large; it was read nevertheless, within reason, so that the client hears of it.
            ClientGone: it never came whole.
        """
        pieces: list[bytes] = []
        size, more = 0, True
        while more and size <= _MAX_SKIPPED_BYTES:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            piece = message.get("body", b"")
            size += len(piece)
            if size <= MAX_BODY_BYTES:
                pieces.append(piece)
            else:
                pieces.clear()
            more = message.get("more_body", False)
        if size > MAX_BODY_BYTES:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A request may have {MAX_BODY_BYTES:,} bytes at most.")
        return b"".join(pieces)

    async def unless_gone(self, awaitable: Awaitable[T]) -> T:
        """Waits for something that takes its time, after the body was read; gives up when nobody waits any more.

        Raises:
            Problem: 503, the engine stops.
            ClientGone: the client has hung up.
        """
        self._hang_up = asyncio.ensure_future(self._until_gone())
        work = asyncio.ensure_future(awaitable)
        try:
            await asyncio.wait((work, self._hang_up, self._stopping), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            if self._hang_up.done():
                raise ClientGone
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "The engine is stopping.")
        finally:
            work.cancel()
            await asyncio.wait((work,))

    async def hears_hang_up(self) -> bool:
        """Whether the client is known to have gone. Only after ``unless_gone``."""
        assert self._hang_up is not None
        for _ in range(_TURNS_TO_HEAR):
            await asyncio.sleep(0)
        return self._hang_up.done()

    def close(self) -> None:
        """Listens for a hang-up no more."""
        if self._hang_up is not None:
            self._hang_up.cancel()

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def send_answer(send: Send, request: Request, answer: Answer | Xml) -> None:
    """Sends an answer, and says so when it has not arrived."""
    if isinstance(answer, Xml):
        await _send(send, HTTPStatus.OK, answer.content, b"text/xml; charset=utf-8")
        return
    body = b"" if answer.value is None else json.dump_bytes(answer.value)
    undelivered, answer.undelivered = answer.undelivered, None
    try:
        await _send(send, answer.status, body, b"application/json", ends=False)
        if undelivered is not None and not await request.hears_hang_up():
            undelivered = None
        await send({"type": "http.response.body", "body": b""})
    finally:
        if undelivered is not None:
            undelivered()


async def send_problem(send: Send, request: Request, problem: Problem) -> None:
    """Sends problem details."""
    details = {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
        "instance": request.path,
    }
    await _send(send, problem.status, json.dump_bytes(details), b"application/problem+json", *problem.headers)


async def _send(
    send: Send, status: HTTPStatus, body: bytes, media_type: bytes, *more: tuple[bytes, bytes], ends: bool = True
) -> None:
    headers = list(more)
    if status is not HTTPStatus.NO_CONTENT:
        headers += [(b"content-length", str(len(body)).encode()), (b"content-type", media_type)]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": not ends})
