"""The socket that the REST API listens on."""

from __future__ import annotations

import os
import socket

from coupler.errors import ConfigError

_BACKLOG = 1024


def listen(host: str, port: int) -> socket.socket:
    """Opens a listening socket whose protocol is spelled out.

    ``socket.create_server`` leaves it out, and asyncio then takes the connections for something else than TCP and does
    not set TCP_NODELAY: every small answer waits 40 ms for an acknowledgement.

    Raises:
        ConfigError: the address cannot be bound.
    """
    listening: socket.socket | None = None
    try:
        resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, address = resolved[0]
        listening = socket.socket(family, kind, protocol)
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        if listening is not None:
            listening.close()
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise ConfigError(
            f"the engine's REST API cannot listen on {where}: the port is taken or the address is not of this machine"
        ) from error
    return listening
