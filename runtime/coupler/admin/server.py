"""The admin application on a socket, inside the runtime's own event loop."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import TYPE_CHECKING

from coupler.admin.config import AdminConfig
from coupler.errors import ConfigError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from coupler.admin.embedding import QuietServer as _Server
    from coupler.admin.view import RuntimeView


def bind(config: AdminConfig, *, next_free: bool = False) -> socket.socket:
    """Opens the listening socket.

    Args:
        config: host and port; port 0 takes any free one.
        next_free: take the next free port when this one is taken.

    Raises:
        ConfigError: the port is taken, or the host is none of this machine's.
    """
    for port in range(config.port, config.port + (100 if next_free and config.port else 1)):
        try:
            return _as_tcp(socket.create_server((config.host, port), family=_family(config.host), backlog=128))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise ConfigError(f"COUPLER_ADMIN__HOST: cannot listen on {config.host}: {error.strerror}.") from error
    raise ConfigError(
        f"COUPLER_ADMIN__PORT: port {config.port} of {config.host} is taken. Choose another one, or 0 for any free one."
    )


def _as_tcp(listening: socket.socket) -> socket.socket:
    """The same socket with its protocol spelled out.

    ``create_server`` leaves it out; asyncio then does not set TCP_NODELAY, and every small answer waits 40 ms for an
    acknowledgement.
    """
    return socket.socket(listening.family, listening.type, socket.IPPROTO_TCP, fileno=listening.detach())


class AdminServer:
    """Serves the admin application until it is closed. The socket is open, and answers, from ``start`` on."""

    def __init__(self, listening: socket.socket) -> None:
        self._socket = listening
        self.address = _url(listening)
        """The URL of the page."""
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, view: RuntimeView, registry: CollectorRegistry, config: AdminConfig) -> None:
        """Imports and starts the application. The import happens in a thread: it takes longer than a job may wait."""
        self._server = await asyncio.to_thread(_build, view, registry, config)
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]), name="admin")
        listening = asyncio.create_task(self._server.listening.wait())
        await asyncio.wait((listening, self._task), return_when=asyncio.FIRST_COMPLETED)
        listening.cancel()
        if self._task.done():
            await self._task  # raises why it could not serve

    async def close(self) -> None:
        """Stops listening; requests under way get a moment."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await asyncio.gather(self._task, return_exceptions=True)
        self._socket.close()


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _build(view: RuntimeView, registry: CollectorRegistry, config: AdminConfig) -> _Server:
    from coupler.admin.application import create_app
    from coupler.admin.embedding import QuietServer
    from coupler.admin.metrics import register

    register(registry, view)
    return QuietServer(create_app(view, registry, config))


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
