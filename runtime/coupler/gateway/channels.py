"""gRPC channels: their options, their credentials, and the pool that spreads long calls over several of them."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from grpc import aio

from coupler import __version__
from coupler.errors import ConfigError, GatewayError, GatewayStatus
from coupler.gateway.config import GatewayConfig

Options = Sequence[tuple[str, str | int]]


def stream_options(config: GatewayConfig) -> Options:
    """Options of channels for streams: how much a gateway may push before anybody reads.

    With gRPC's own options that is up to 4 MiB: thousands of jobs whose leases run while nobody works on them. 8 KiB
    are some 45 small jobs at most. With 64 bytes a job crosses only when it is asked for, since gRPC widens the window
    by the size of the message that a pending read waits for: one round trip and 0.1 ms of CPU more for each job.
    Needs grpcio 1.74 to take effect.
    """
    return (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", config.stream_window_bytes))


def channel_options(config: GatewayConfig) -> list[tuple[str, str | int]]:
    """Options of every channel."""
    options: list[tuple[str, str | int]] = [
        # Without a pool of its own, a second channel to the same address would share the first one's connection.
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.primary_user_agent", f"coupler/{__version__}"),
        ("grpc.max_receive_message_length", config.max_message_bytes),
        ("grpc.max_send_message_length", -1),  # the gateway knows its own limit
        ("grpc.keepalive_time_ms", int(config.keep_alive_seconds * 1000)),
        ("grpc.keepalive_timeout_ms", int(config.keep_alive_timeout_seconds * 1000)),
        ("grpc.http2.max_pings_without_data", 0),
        # gRPC adds its own jitter of 20 %. The "minimum" is how long one attempt to connect may take.
        ("grpc.initial_reconnect_backoff_ms", int(config.reconnect_initial_seconds * 1000)),
        ("grpc.max_reconnect_backoff_ms", int(config.reconnect_max_seconds * 1000)),
        ("grpc.min_reconnect_backoff_ms", int(config.connect_timeout_seconds * 1000)),
    ]
    if config.override_authority:
        options.append(("grpc.default_authority", config.override_authority))
        options.append(("grpc.ssl_target_name_override", config.override_authority))
    return options


class ChannelFactory:
    """Makes channels to one gateway."""

    def __init__(self, config: GatewayConfig) -> None:
        """Reads the certificates.

        Raises:
            ConfigError: no gRPC address, or a certificate file that cannot be read.
        """
        target = config.grpc_target()
        if target is None:
            raise ConfigError("gateway.grpc_address is not set")
        self._target = target.target
        self._options = channel_options(config)
        self._credentials = _tls_credentials(config) if target.tls else None

    def __call__(self, extra: Options = ()) -> aio.Channel:
        """A new channel; it connects with its first call."""
        options = [*self._options, *extra]
        if self._credentials is None:
            return aio.insecure_channel(self._target, options=options)
        return aio.secure_channel(self._target, self._credentials, options=options)


def _tls_credentials(config: GatewayConfig) -> grpc.ChannelCredentials:
    contents: list[bytes | None] = []
    for path in (config.ca_certificate_path, config.client_key_path, config.client_certificate_path):
        try:
            contents.append(None if path is None else path.read_bytes())
        except OSError as error:
            raise ConfigError(f"the certificate file {path} cannot be read: {error.strerror}") from error
    roots, key, chain = contents
    return grpc.ssl_channel_credentials(root_certificates=roots, private_key=key, certificate_chain=chain)


class PooledChannel:
    """One channel of a pool and the number of calls open on it."""

    __slots__ = ("channel", "open_calls")

    def __init__(self, channel: aio.Channel) -> None:
        self.channel = channel
        self.open_calls = 0

    def release(self) -> None:
        """A call on this channel has ended."""
        self.open_calls -= 1


class ChannelPool:
    """Channels for calls that stay open. Proxies cap the streams of one connection, so no channel carries too many."""

    def __init__(self, factory: ChannelFactory, calls_per_channel: int, extra: Options = ()) -> None:
        self._factory = factory
        self._limit = calls_per_channel
        self._extra = extra
        self._channels: list[PooledChannel] = []
        self._closed = False

    def acquire(self) -> PooledChannel:
        """The first channel with room for one more call; a new one when all are full.

        Raises:
            GatewayError: the pool is closed.
        """
        if self._closed:
            raise GatewayError(GatewayStatus.UNAVAILABLE, "the gateway client is closed")
        for pooled in self._channels:
            if pooled.open_calls < self._limit:
                break
        else:
            pooled = PooledChannel(self._factory(self._extra))
            self._channels.append(pooled)
        pooled.open_calls += 1
        return pooled

    async def close(self) -> None:
        """Closes all channels; their calls end."""
        self._closed = True
        channels, self._channels = self._channels, []
        for pooled in channels:
            await pooled.channel.close(None)
