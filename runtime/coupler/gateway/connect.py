"""The gateway as configured: gRPC, REST, or each for what it does best."""

from __future__ import annotations

from coupler.gateway.auth import authorization
from coupler.gateway.config import GatewayConfig
from coupler.gateway.grpc import GrpcGateway
from coupler.gateway.grpc_stream import GrpcJobStream
from coupler.gateway.protocol import Gateway, StreamRequest
from coupler.gateway.rest import RestGateway
from coupler.http.messages import HttpEngine


class GrpcWithDefinitions(GrpcGateway):
    """gRPC for everything but the definitions' XML, which only REST has."""

    def __init__(self, config: GatewayConfig, engine: HttpEngine) -> None:
        auth = authorization(config.auth, engine)
        super().__init__(config, auth)
        self._rest = RestGateway(config, engine, auth)

    async def process_definition_xml(self, key: int) -> str:
        """Over REST."""
        return await self._rest.process_definition_xml(key)

    async def close(self) -> None:
        """Closes both."""
        await self._rest.close()
        await super().close()


class RestWithStreams(RestGateway):
    """REST for everything but streams, which only gRPC has."""

    def __init__(self, config: GatewayConfig, engine: HttpEngine) -> None:
        auth = authorization(config.auth, engine)
        super().__init__(config, engine, auth)
        self._grpc = GrpcGateway(config, auth)

    def stream(self, request: StreamRequest) -> GrpcJobStream:
        """Over gRPC."""
        return self._grpc.stream(request)

    async def close(self) -> None:
        """Closes both."""
        await self._grpc.close()
        await super().close()


def connect(config: GatewayConfig, engine: HttpEngine) -> Gateway:
    """The client for a configuration; nothing is sent before its first call.

    Args:
        config: addresses and preferences.
        engine: for REST and for access tokens. It should be one of the gateway's own: the egress policy is for
            connectors, not for the cluster's address.

    Raises:
        ConfigError: a certificate cannot be read.
    """
    if not config.rest_address:
        return GrpcGateway(config, authorization(config.auth, engine))
    if not config.prefer_rest:
        return GrpcWithDefinitions(config, engine)
    if config.grpc_target() is None:
        return RestGateway(config, engine, authorization(config.auth, engine))
    return RestWithStreams(config, engine)
