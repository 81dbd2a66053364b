"""The embedded engine as the admin application sees it, and the ports that it takes."""

from __future__ import annotations

import socket
from dataclasses import replace

from coupler.admin.view import Incident, Instance
from coupler.embedded import EngineConfig, EngineThread, IncidentView, InstanceView, Reason, Rejection
from coupler.errors import ConfigError

_PORTS_TRIED = 100


class EmbeddedView:
    """Answers the questions of ``admin.view.EngineView`` from the engine's snapshots."""

    def __init__(self, engine: EngineThread) -> None:
        self._engine = engine

    async def incidents(self, limit: int) -> list[Incident]:
        """Open incidents, newest first."""
        return [_incident(each) for each in (await self._engine.view(limit)).incidents]

    async def resolve(self, key: int) -> bool:
        """Lets an element instance try again; whether there was such an incident."""
        try:
            await self._engine.resolve_incident(key)
        except Rejection as error:
            if error.reason is Reason.NOT_FOUND:
                return False
            raise
        return True

    async def instances(self, limit: int) -> list[Instance]:
        """Process instances, newest first."""
        return [_instance(each) for each in (await self._engine.view(limit)).instances]


def on_free_ports(config: EngineConfig) -> EngineConfig:
    """The same engine on the next free ports, where its own are taken.

    Raises:
        ConfigError: none of the next hundred is free.
    """
    return replace(
        config,
        grpc_port=_free_port(config.host, config.grpc_port),
        rest_port=None if config.rest_port is None else _free_port(config.host, config.rest_port),
    )


def _free_port(host: str, wanted: int) -> int:
    for port in range(wanted, wanted + (_PORTS_TRIED if wanted else 1)):
        try:
            with socket.create_server((host, port)):
                return port if wanted else 0
        except OSError:
            continue
    raise ConfigError(f"No port between {wanted} and {wanted + _PORTS_TRIED - 1} of {host} is free.")


def _incident(view: IncidentView) -> Incident:
    return Incident(
        key=view.key,
        type=view.type,
        message=view.message,
        process_id=view.process_id,
        element_id=view.element_id,
        process_instance_key=view.process_instance_key,
        job_key=view.job_key,
        created_at=view.created_ms / 1000,
    )


def _instance(view: InstanceView) -> Instance:
    where = f"at {', '.join(view.elements)}" if view.elements else ""
    return Instance(
        key=view.key,
        process_id=view.process_id,
        state=view.state,
        started_at=view.started_ms / 1000,
        ended_at=None if view.ended_ms is None else view.ended_ms / 1000,
        detail=" ".join(part for part in (where, view.variables) if part),
    )
