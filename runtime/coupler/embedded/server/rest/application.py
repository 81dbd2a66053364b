"""The REST API as an ASGI application: which call goes where, and how a rejection becomes a status."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, Protocol

from coupler.embedded.rejection import Reason, Rejection
from coupler.embedded.server.rest.asgi import (
    Answer,
    ClientGone,
    Problem,
    Receive,
    Request,
    Scope,
    Send,
    Xml,
    send_answer,
    send_problem,
)
from coupler.embedded.server.rest.calls import RestCalls
from coupler.embedded.server.rest.guard import Guard
from coupler.embedded.server.rest.searches import Searches

_log = logging.getLogger(__name__)

_STATUS: Final = {
    Reason.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Reason.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    Reason.INVALID_STATE: HTTPStatus.CONFLICT,
    Reason.ALREADY_EXISTS: HTTPStatus.CONFLICT,
    Reason.UNIMPLEMENTED: HTTPStatus.NOT_IMPLEMENTED,
    Reason.DEADLINE_EXCEEDED: HTTPStatus.GATEWAY_TIMEOUT,
}
_KEY: Final = "{key}"

Handler = Callable[..., Awaitable[Answer | Xml]]
Route = tuple[str, ...]


class Mounted(Protocol):
    """Another ASGI application that serves some of the paths."""

    def serves(self, path: str) -> bool:
        """Whether a path is one of its own."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        ...

    async def close(self) -> None:
        """Gives back what it holds."""
        ...


class RestApi:
    """Serves the calls, and what is mounted. Belongs to the running loop."""

    def __init__(self, calls: RestCalls, searches: Searches, guard: Guard, mounted: Mounted | None) -> None:
        self._routes = _routes(calls, searches)
        self._guard = guard
        self._mounted = mounted
        self._stopping: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def stop_waiting(self) -> None:
        """Answers every call that waits for something with 503. Idempotent."""
        if not self._stopping.done():
            self._stopping.set_result(None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        request = Request(scope, receive, self._stopping)
        try:
            self._guard.check(request)
            if self._mounted is not None and self._mounted.serves(request.path):
                await self._mounted(scope, receive, send)
                return
            answer = await self._answer(request)
        except Problem as problem:
            await send_problem(send, request, problem)
        except Rejection as rejection:
            await send_problem(send, request, Problem(_STATUS[rejection.reason], rejection.message))
        except ClientGone:
            return
        else:
            await send_answer(send, request, answer)
        finally:
            request.close()

    async def _answer(self, request: Request) -> Answer | Xml:
        path = request.segments
        key: Route = ()
        methods = self._routes.get(path)
        if methods is None and len(path) >= 3:
            path, key = (*path[:2], _KEY, *path[3:]), (path[2],)
            methods = self._routes.get(path)
        if methods is None:
            raise Problem(HTTPStatus.NOT_FOUND, f"There is no {request.path}, or the embedded engine does not have it.")
        handler = methods.get(request.method)
        if handler is None:
            allowed = ", ".join(sorted(methods))
            problem = f"{request.method} is not possible here, only {allowed}."
            raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, problem, (b"allow", allowed.encode()))
        return await self._handled(handler, request, *key)

    async def _handled(self, handler: Handler, request: Request, *key: str) -> Answer | Xml:
        try:
            return await handler(request, *key)
        except (Problem, Rejection, ClientGone):
            raise
        except Exception as error:
            _log.exception("%s %s could not be answered", request.method, request.path)
            raise Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The engine failed; its log says how.") from error


def _routes(calls: RestCalls, searches: Searches) -> dict[Route, dict[str, Handler]]:
    table: dict[str, Handler] = {
        "GET topology": calls.topology,
        "GET status": calls.status,
        "POST deployments": calls.deploy,
        "POST jobs/activation": calls.activate,
        "POST jobs/{key}/completion": calls.complete,
        "POST jobs/{key}/failure": calls.fail,
        "POST jobs/{key}/error": calls.throw_error,
        "PATCH jobs/{key}": calls.update_job,
        "GET process-definitions/{key}/xml": calls.definition_xml,
        "POST process-instances": calls.create_instance,
        "POST process-instances/{key}/cancellation": calls.cancel_instance,
        "GET process-instances/{key}": searches.instance,
        "POST process-instances/search": searches.instances,
        "POST process-instances/{key}/incidents/search": searches.incidents_of_instance,
        "PUT element-instances/{key}/variables": calls.set_variables,
        "POST messages/publication": calls.publish_message,
        "POST incidents/search": searches.incidents,
        "POST incidents/{key}/resolution": calls.resolve_incident,
        "GET incidents/{key}": searches.incident,
    }
    routes: dict[Route, dict[str, Handler]] = {}
    for line, handler in table.items():
        method, path = line.split(" ")
        routes.setdefault(("v2", *path.split("/")), {})[method] = handler
    return routes


__all__ = ["Mounted", "RestApi"]
