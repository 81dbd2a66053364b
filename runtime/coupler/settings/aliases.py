"""Names that deployments of the Java runtime already have, read as other names of our settings.

A property such as ``camunda.client.grpc-address`` is found under both spellings that Spring takes from the environment:
``CAMUNDA_CLIENT_GRPCADDRESS`` and ``CAMUNDA_CLIENT_GRPC_ADDRESS``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from coupler.durations import parse_duration
from coupler.errors import ConfigError
from coupler.http.config import EgressConfig, ProxyConfig
from coupler.http.environment import egress_from_environment, proxies_from_environment
from coupler.settings.sources import Layer, Value, parsed
from coupler.settings.tree import SettingPath, leaf_of, variable

Converter = Callable[[str], Any]


def seconds(text: str) -> float:
    """``PT5M``, ``300000`` (milliseconds), ``300s``, ``5m``: what Spring takes as a duration.

    Raises:
        ValueError: none of these.
    """
    simple = re.fullmatch(r"\s*([+-]?\d+)\s*(ns|us|ms|s|m|h|d)?\s*", text, re.ASCII | re.IGNORECASE)
    if simple is None:
        return parse_duration(text.strip())
    factor = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
    return int(simple[1]) * factor[(simple[2] or "ms").lower()]


def size_bytes(text: str) -> int:
    """``5MB``, ``512KB``, ``1048576``: what Spring takes as a size.

    Raises:
        ValueError: none of these.
    """
    simple = re.fullmatch(r"\s*(\d+)\s*(B|KB|MB|GB)?\s*", text, re.ASCII | re.IGNORECASE)
    if simple is None:
        raise ValueError(f"'{text}' is not a size such as 5MB")
    factor = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}
    return int(simple[1]) * factor[(simple[2] or "B").upper()]


def _text(text: str) -> str:
    return text


def _names(text: str) -> list[str]:
    """Names between commas; none is an answer, too."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _lower(text: str) -> str:
    return text.strip().lower()


def _upper(text: str) -> str:
    return text.strip().upper()


_WELL_KNOWN = "/.well-known/openid-configuration"


def _issuer(text: str) -> str:
    """The issuer whose discovery document this is."""
    if not text.strip().endswith(_WELL_KNOWN):
        raise ValueError(f"it does not end with {_WELL_KNOWN}; name the token endpoint instead")
    return text.strip().removesuffix(_WELL_KNOWN)


@dataclass(slots=True, frozen=True)
class Alias:
    """A property of the Java runtime and the setting that it stands for."""

    name: str
    path: SettingPath
    convert: Converter = _text
    may_be_empty: bool = False
    """Whether an empty text is a value; otherwise it is the same as none."""

    def variables(self) -> tuple[str, ...]:
        """The environment variables under which the property is found."""
        if self.name.isupper():
            return (self.name,)
        upper = self.name.upper().replace(".", "_")
        return tuple(dict.fromkeys((upper.replace("-", ""), upper.replace("-", "_"))))


def _alias(name: str, setting: str, convert: Converter = _text, *, may_be_empty: bool = False) -> Alias:
    return Alias(name, tuple(setting.split(".")), convert, may_be_empty)


_CLIENT = (
    _alias("camunda.client.grpc-address", "gateway.grpc_address"),
    _alias("camunda.client.rest-address", "gateway.rest_address"),
    _alias("camunda.client.prefer-rest-over-grpc", "gateway.prefer_rest"),
    _alias("camunda.client.ca-certificate-path", "gateway.ca_certificate_path"),
    _alias("camunda.client.override-authority", "gateway.override_authority"),
    _alias("camunda.client.keep-alive", "gateway.keep_alive_seconds", seconds),
    _alias("camunda.client.max-message-size", "gateway.max_message_bytes", size_bytes),
    _alias("camunda.client.request-timeout", "gateway.request_timeout_seconds", seconds),
    _alias("camunda.client.request-timeout-offset", "gateway.request_timeout_offset_seconds", seconds),
    _alias("camunda.client.auth.method", "gateway.auth.method", _lower),
    _alias("camunda.client.auth.username", "gateway.auth.username"),
    _alias("camunda.client.auth.password", "gateway.auth.password"),
    _alias("camunda.client.auth.client-id", "gateway.auth.client_id"),
    _alias("camunda.client.auth.client-secret", "gateway.auth.client_secret"),
    _alias("camunda.client.auth.token-url", "gateway.auth.token_url"),
    _alias("camunda.client.auth.issuer-url", "gateway.auth.issuer_url"),
    _alias("camunda.client.auth.well-known-configuration-url", "gateway.auth.issuer_url", _issuer),
    _alias("camunda.client.auth.audience", "gateway.auth.audience"),
    _alias("camunda.client.auth.scope", "gateway.auth.scope"),
    _alias("camunda.client.auth.resource", "gateway.auth.resource"),
    _alias("camunda.client.auth.read-timeout", "gateway.auth.timeout_seconds", seconds),
)
_WORKER = (
    _alias("camunda.client.worker.defaults.max-jobs-active", "worker.max_jobs_active"),
    _alias("camunda.client.worker.defaults.timeout", "worker.lease_seconds", seconds),
    _alias("camunda.client.worker.defaults.request-timeout", "worker.request_timeout_seconds", seconds),
    _alias("camunda.client.worker.defaults.stream-enabled", "worker.stream_enabled"),
    _alias("camunda.client.worker.defaults.tenant-ids", "worker.tenant_ids"),
    _alias("camunda.client.worker.defaults.name", "worker.worker_name"),
    _alias("camunda.client.tenant-id", "worker.tenant_ids"),
)
# Names of the 8.7 line, and of the Java client without Spring. Looked at after those above.
_OLDER = (
    _alias("camunda.client.zeebe.grpc-address", "gateway.grpc_address"),
    _alias("camunda.client.zeebe.rest-address", "gateway.rest_address"),
    _alias("camunda.client.zeebe.prefer-rest-over-grpc", "gateway.prefer_rest"),
    _alias("camunda.client.zeebe.ca-certificate-path", "gateway.ca_certificate_path"),
    _alias("camunda.client.zeebe.defaults.max-jobs-active", "worker.max_jobs_active"),
    _alias("camunda.client.zeebe.defaults.timeout", "worker.lease_seconds", seconds),
    _alias("camunda.client.zeebe.defaults.request-timeout", "worker.request_timeout_seconds", seconds),
    _alias("camunda.client.zeebe.defaults.stream-enabled", "worker.stream_enabled"),
    _alias("camunda.client.zeebe.defaults.tenant-ids", "worker.tenant_ids"),
    _alias("camunda.client.zeebe.defaults.name", "worker.worker_name"),
    _alias("CAMUNDA_GRPC_ADDRESS", "gateway.grpc_address"),
    _alias("CAMUNDA_REST_ADDRESS", "gateway.rest_address"),
    _alias("CAMUNDA_PREFER_REST", "gateway.prefer_rest"),
    _alias("CAMUNDA_CA_CERTIFICATE_PATH", "gateway.ca_certificate_path"),
    _alias("CAMUNDA_OVERRIDE_AUTHORITY", "gateway.override_authority"),
    _alias("CAMUNDA_KEEP_ALIVE", "gateway.keep_alive_seconds", seconds),
    _alias("CAMUNDA_BASIC_AUTH_USERNAME", "gateway.auth.username"),
    _alias("CAMUNDA_BASIC_AUTH_PASSWORD", "gateway.auth.password"),
    _alias("CAMUNDA_CLIENT_ID", "gateway.auth.client_id"),
    _alias("CAMUNDA_CLIENT_SECRET", "gateway.auth.client_secret"),
    _alias("CAMUNDA_AUTHORIZATION_SERVER_URL", "gateway.auth.token_url"),
    _alias("CAMUNDA_TOKEN_AUDIENCE", "gateway.auth.audience"),
    _alias("CAMUNDA_TOKEN_SCOPE", "gateway.auth.scope"),
    _alias("CAMUNDA_TOKEN_RESOURCE", "gateway.auth.resource"),
    _alias("CAMUNDA_DEFAULT_JOB_WORKER_TENANT_IDS", "worker.tenant_ids"),
    _alias("CAMUNDA_CLIENT_WORKER_STREAM_ENABLED", "worker.stream_enabled"),
)
_CONNECTORS = (
    _alias("camunda.connector.secret-provider.environment.enabled", "secrets.env.enabled"),
    _alias("camunda.connector.secret-provider.environment.prefix", "secrets.env.prefix", may_be_empty=True),
    _alias("camunda.connector.secret-provider.environment.tenantaware", "secrets.env.tenant_aware"),
    _alias("camunda.connector.secret-provider.environment.processdefinitionaware", "secrets.env.process_aware"),
    _alias("camunda.connector.secret-resolver.secret-filter.mode", "secrets.filter", _upper),
    _alias("CONNECTOR_OUTBOUND_ENABLED", "enabled_types", _names, may_be_empty=True),
    _alias("CONNECTOR_OUTBOUND_DISABLED", "disabled_types"),
)
ALIASES: tuple[Alias, ...] = (*_CLIENT, *_WORKER, *_CONNECTORS, *_OLDER)


def alias_layer(environ: Mapping[str, str], source: str) -> Layer:
    """The settings that an environment names in the Java way; the first name of a setting wins.

    Raises:
        ConfigError: a value that cannot be read.
    """
    layer: Layer = {}
    for alias in ALIASES:
        for name in alias.variables():
            text = environ.get(name)
            if (text or (text == "" and alias.may_be_empty)) and alias.path not in layer:
                layer[alias.path] = Value(_converted(alias, name, text), f"{source} {name}")
    _choose_method(layer)
    layer = {**_saas(environ, source), **layer}
    layer.update(_http(environ, source))
    layer.update(_connector_overrides(environ, source))
    return layer


def _converted(alias: Alias, name: str, text: str) -> Any:
    try:
        value = alias.convert(text)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}. In our own words: {variable(alias.path)}.") from error
    return parsed(alias.path, value, name) if isinstance(value, str) and leaf_of(alias.path) else value


def _saas(environ: Mapping[str, str], source: str) -> Layer:
    """The addresses of a cluster of Camunda's own cloud, from its id and region."""
    names = ("CAMUNDA_CLIENT_CLOUD_CLUSTERID", "CAMUNDA_CLIENT_CLOUD_CLUSTER_ID")
    name = next((name for name in names if environ.get(name)), None)
    if name is None:
        return {}
    cluster, region = environ[name], environ.get("CAMUNDA_CLIENT_CLOUD_REGION") or "bru-2"
    addresses = {
        ("gateway", "grpc_address"): f"https://{cluster}.{region}.zeebe.camunda.io:443",
        ("gateway", "rest_address"): f"https://{region}.zeebe.camunda.io/{cluster}",
        ("gateway", "auth", "token_url"): "https://login.cloud.camunda.io/oauth/token",
        ("gateway", "auth", "audience"): "zeebe.camunda.io",
    }
    return {path: Value(address, f"{source} {name}") for path, address in addresses.items()}


_OVERRIDE = re.compile(r"CONNECTOR_(?P<name>[A-Z0-9_]+)_(?P<what>TYPE|TIMEOUT)")


def _connector_overrides(environ: Mapping[str, str], source: str) -> Iterator[tuple[SettingPath, Value]]:
    """``CONNECTOR_HTTP_REST_TYPE`` and ``…_TIMEOUT``: type and lease of the connector called ``HTTP REST``."""
    for name, text in environ.items():
        match = _OVERRIDE.fullmatch(name)
        if match is None or not text:
            continue
        section: SettingPath = ("connectors_by_name", match["name"].lower())
        if match["what"] == "TYPE":
            yield (*section, "type"), Value(text, f"{source} {name}")
            continue
        try:
            yield (*section, "lease_seconds"), Value(seconds(text), f"{source} {name}")
        except ValueError as error:
            raise ConfigError(f"{name}: {error}.") from error


def _choose_method(layer: Layer) -> None:
    """Credentials without a method say which method is meant."""
    method = ("gateway", "auth", "method")
    for credential, means in (("client_id", "oidc"), ("username", "basic")):
        given = layer.get(("gateway", "auth", credential))
        if given is not None and method not in layer:
            layer[method] = Value(means, given.origin)


def _http(environ: Mapping[str, str], source: str) -> Iterator[tuple[SettingPath, Value]]:
    """Egress rules and proxies, by the rules of the HTTP engine; only what differs from the defaults."""
    egress = _named(environ, "CAMUNDA_CONNECTOR_HTTP_BLOCK_", "CAMUNDA_CONNECTOR_VALIDATION_HOSTS_")
    if egress:
        yield from _changed("egress", egress_from_environment(environ), EgressConfig(), f"{source} {egress[0]}")
    proxies = _named(environ, "CONNECTOR_HTTP_", "CONNECTOR_HTTPS_")
    if proxies:
        yield from _changed("proxies", proxies_from_environment(environ), ProxyConfig(), f"{source} {proxies[0]}")


def standard_proxy_layer(environ: Mapping[str, str]) -> Layer:
    """Proxies from ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY``, beside those with Java names."""
    read = proxies_from_environment(environ, standard=True)
    return dict(_changed("proxies", read, ProxyConfig(), "environment HTTP_PROXY, HTTPS_PROXY, NO_PROXY"))


def _named(environ: Mapping[str, str], *prefixes: str) -> list[str]:
    return sorted(name for name in environ if name.startswith(prefixes))


def _changed(section: str, read: Any, unset: Any, origin: str) -> Iterator[tuple[SettingPath, Value]]:
    for each in dataclasses.fields(read):
        value = getattr(read, each.name)
        if value != getattr(unset, each.name):
            yield from _leaves(("http", section, each.name), value, origin)


def _leaves(path: SettingPath, value: Any, origin: str) -> Iterator[tuple[SettingPath, Value]]:
    if not dataclasses.is_dataclass(value):
        yield path, Value(value, origin)
        return
    for each in dataclasses.fields(value):
        yield (*path, each.name), Value(getattr(value, each.name), origin)
