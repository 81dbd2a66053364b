"""How to reach the orchestration cluster, checked before anything connects."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from coupler.errors import ConfigError
from coupler.gateway.auth_config import AuthConfig

DEFAULT_GRPC_ADDRESS = "http://127.0.0.1:26500"

_PLAINTEXT = {"http", "grpc"}
_TLS = {"https", "grpcs"}
_GRPC_PORT = 26500


@dataclass(slots=True, frozen=True)
class GrpcTarget:
    """A parsed gRPC address: ``host:port`` as gRPC wants it, and whether the connection is encrypted."""

    target: str
    tls: bool


@dataclass(slots=True, frozen=True, kw_only=True)
class GatewayConfig:
    """Addresses, TLS, limits and timing of the connection to the cluster.

    ``grpc_address`` is a URL whose scheme decides on TLS (``http``, ``grpc``: plaintext; ``https``, ``grpcs``: TLS),
    or a bare ``host:port``, which is plaintext. Without a port it is 26500, with TLS 443. Without an address at all it
    is the local port 26500, unless REST is preferred: then there is no gRPC.

    Raises:
        ConfigError: from the constructor, naming the setting.
    """

    grpc_address: str | None = None
    rest_address: str | None = None  # base URL of the Orchestration Cluster REST API, without /v2
    prefer_rest: bool = False
    auth: AuthConfig = field(default_factory=AuthConfig)
    ca_certificate_path: Path | None = None  # replaces the default authorities
    client_certificate_path: Path | None = None
    client_key_path: Path | None = None
    override_authority: str | None = None
    keep_alive_seconds: float = 45.0
    keep_alive_timeout_seconds: float = 20.0
    max_message_bytes: int = 16 * 1024 * 1024
    connect_timeout_seconds: float = 10.0
    reconnect_initial_seconds: float = 0.1
    reconnect_max_seconds: float = 5.0
    request_timeout_seconds: float = 10.0  # of every call but the long poll and the stream
    request_timeout_offset_seconds: float = 1.0  # a long poll is given this much longer than the gateway holds it
    calls_per_channel: int = 50
    stream_window_bytes: int = 8192  # what may be pushed before anybody reads: at most some 45 small jobs

    def __post_init__(self) -> None:
        self.grpc_target()
        self._check_rest()
        self._check_files()
        self._check_numbers()

    def grpc_target(self) -> GrpcTarget | None:
        """The parsed ``grpc_address``; ``None`` when only REST is to be used."""
        if self.grpc_address:
            return _parse_grpc(self.grpc_address)
        return None if self.prefer_rest else _parse_grpc(DEFAULT_GRPC_ADDRESS)

    @property
    def address(self) -> str:
        """Where jobs come from, for people to read."""
        if self.prefer_rest and self.rest_address:
            return self.rest_address
        return self.grpc_address or DEFAULT_GRPC_ADDRESS

    def rest_url(self) -> str | None:
        """The base URL of the REST API with its version, without a slash at the end."""
        if not self.rest_address:
            return None
        base = self.rest_address.rstrip("/")
        return base if base.endswith("/v2") else f"{base}/v2"

    def _check_rest(self) -> None:
        if not self.rest_address:
            if self.prefer_rest:
                raise ConfigError("gateway.prefer_rest is set, but gateway.rest_address is not")
            return
        url = urlsplit(self.rest_address)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ConfigError(
                f"gateway.rest_address '{self.rest_address}' is not a URL such as http://localhost:8080 "
                "or https://cluster.example.com"
            )

    def _check_files(self) -> None:
        if (self.client_certificate_path is None) != (self.client_key_path is None):
            raise ConfigError("gateway.client_certificate_path and gateway.client_key_path must be set together")
        for name in ("ca_certificate_path", "client_certificate_path", "client_key_path"):
            path: Path | None = getattr(self, name)
            if path is not None and not path.is_file():
                raise ConfigError(f"gateway.{name}: there is no file {path}")

    def _check_numbers(self) -> None:
        for name in (
            "keep_alive_seconds",
            "keep_alive_timeout_seconds",
            "max_message_bytes",
            "connect_timeout_seconds",
            "reconnect_initial_seconds",
            "reconnect_max_seconds",
            "request_timeout_seconds",
            "calls_per_channel",
            "stream_window_bytes",
        ):
            if getattr(self, name) <= 0:
                raise ConfigError(f"gateway.{name} must be greater than 0, but is {getattr(self, name)}")


def _parse_grpc(address: str) -> GrpcTarget:
    scheme, separator, rest = address.strip().partition("://")
    scheme = scheme.lower() if separator else "http"
    if not separator:
        rest = address.strip()
    if scheme not in _PLAINTEXT | _TLS:
        raise ConfigError(
            f"gateway.grpc_address '{address}' has the scheme '{scheme}'; use http:// (plaintext) or https:// (TLS)"
        )
    try:
        url = urlsplit(f"//{rest}")
        host, port = url.hostname, url.port
    except ValueError as error:
        raise ConfigError(f"gateway.grpc_address '{address}' cannot be read: {error}") from error
    if not host or url.path.strip("/") or url.query or url.username:
        raise ConfigError(f"gateway.grpc_address '{address}' must be a host and a port, such as http://localhost:26500")
    tls = scheme in _TLS
    if port is None:
        port = 443 if tls else _GRPC_PORT
    return GrpcTarget(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", tls)
