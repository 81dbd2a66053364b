"""uvicorn as a guest in the engine's loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator

import uvicorn

from coupler.embedded.dispatch import Dispatch
from coupler.embedded.engine import Engine
from coupler.embedded.server.rest.application import Mounted, RestApi
from coupler.embedded.server.rest.calls import RestCalls
from coupler.embedded.server.rest.guard import Guard
from coupler.embedded.server.rest.listening import listen
from coupler.embedded.server.rest.searches import Searches

Where = Callable[[], tuple[str, int]]

_GRACE_SECONDS = 1
_KEEP_ALIVE_SECONDS = 30


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals and logging alone, and says when it listens."""

    def __init__(self, api: RestApi) -> None:
        super().__init__(
            uvicorn.Config(
                api,
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            )
        )
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Opens the server and says so."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leaves the signals to the process."""
        yield


class RestServer:
    """Serves the REST API, and what is mounted beside it, until it is stopped."""

    def __init__(
        self, host: str, engine: Engine, dispatch: Dispatch, where: Where, mounted: Mounted | None = None
    ) -> None:
        """Needs the running loop.

        Args:
            host: where to listen.
            engine: the commands.
            dispatch: the workers that wait.
            where: host and port to tell in the topology.
            mounted: what else is served; it is closed in the end.
        """
        self._host = host
        self._mounted = mounted
        self._api = RestApi(RestCalls(engine, dispatch, where), Searches(engine), Guard(host), mounted)
        self._server = _Server(self._api)
        self._socket: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, port: int) -> int:
        """Binds and serves; returns the port.

        Raises:
            ConfigError: the address cannot be bound.
        """
        self._socket = listen(self._host, port)
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]), name="engine REST")
        await self._server.listening.wait()
        bound: int = self._socket.getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Ends what waits, lets what runs finish for a moment, and closes. Idempotent."""
        self._api.stop_waiting()
        if self._task is not None:
            self._server.should_exit = True
            await self._task
            self._task = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._mounted is not None:
            await self._mounted.close()
            self._mounted = None
