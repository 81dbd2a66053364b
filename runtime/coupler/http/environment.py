"""Egress rules and proxies from environment variables, under the names that the Java runtime gave them."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

from coupler.errors import ConfigError
from coupler.http.config import BlockRule, EgressConfig, Proxy, ProxyConfig

log = logging.getLogger(__name__)

_BLOCK: Final = re.compile(r"CAMUNDA_CONNECTOR_HTTP_BLOCK_([^_]+)(?:_(.*))?", re.DOTALL)
_HOSTS: Final = "CAMUNDA_CONNECTOR_VALIDATION_HOSTS_"


def _block_rules(environment: Mapping[str, str]) -> tuple[BlockRule, ...]:
    rules = []
    for name in sorted(environment):
        match = _BLOCK.fullmatch(name)
        if match is not None:
            rules.append(BlockRule(match[1], environment[name], match[2] or None))
    return tuple(rules)


def _first(environment: Mapping[str, str], *names: str) -> str | None:
    return next((environment[name] for name in names if name in environment), None)


def _flag(environment: Mapping[str, str], *names: str) -> bool:
    value = _first(environment, *names)
    if value is None or value.strip().lower() in ("", "false"):
        return False
    if value.strip().lower() == "true":
        return True
    raise ConfigError(f"{names[0]} must be true or false, not '{value}'.")


def _ranges(environment: Mapping[str, str], *names: str) -> tuple[str, ...]:
    listed = _first(environment, *names)
    found = [piece.strip() for piece in (listed or "").split(",")]
    for prefix in names:
        numbered = [name for name in environment if re.fullmatch(rf"{prefix}_\d+", name)]
        found += [environment[name].strip() for name in sorted(numbered, key=lambda name: int(name.rpartition("_")[2]))]
    return tuple(piece for piece in found if piece)


def egress_from_environment(environment: Mapping[str, str]) -> EgressConfig:
    """Reads ``CAMUNDA_CONNECTOR_HTTP_BLOCK_{URL|PORT|REGEX}[_<Name>]`` and ``CAMUNDA_CONNECTOR_VALIDATION_HOSTS_…``.

    Raises:
        ConfigError: a flag is neither true nor false.
    """
    full = _flag(environment, f"{_HOSTS}ENABLED")
    private = _flag(environment, f"{_HOSTS}UNSAFEALLOWPRIVATERANGES", f"{_HOSTS}UNSAFE_ALLOW_PRIVATE_RANGES")
    loopback = _flag(environment, f"{_HOSTS}UNSAFEALLOWLOOPBACK", f"{_HOSTS}UNSAFE_ALLOW_LOOPBACK")
    return EgressConfig(
        block_rules=_block_rules(environment),
        validate_hosts=full,
        allow_ranges=_ranges(environment, f"{_HOSTS}ALLOWRANGES", f"{_HOSTS}ALLOW_RANGES"),
        deny_ranges=_ranges(environment, f"{_HOSTS}DENYRANGES", f"{_HOSTS}DENY_RANGES"),
        allow_private_ranges=private or not full,
        allow_loopback=loopback or not full,
    )


def _port(text: str, variable: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise ConfigError(f"{variable} must be a port number from 1 to 65535, not '{text}'.")
    return int(text)


def _proxy(environment: Mapping[str, str], prefix: str) -> Proxy | None:
    host, port = environment.get(f"{prefix}_HOST", "").strip(), environment.get(f"{prefix}_PORT", "").strip()
    if not host or not port:
        if host or port:
            log.warning("%s_HOST and %s_PORT are needed together; the proxy is not used", prefix, prefix)
        return None
    user, password = environment.get(f"{prefix}_USER", ""), environment.get(f"{prefix}_PASSWORD", "")
    known = bool(user.strip()) and bool(password)
    scheme = environment.get(f"{prefix}_SCHEME", "").strip().lower() or "http"
    if scheme not in ("http", "https"):
        raise ConfigError(f"{prefix}_SCHEME must be http or https, not '{scheme}'.")
    return Proxy(host, _port(port, f"{prefix}_PORT"), scheme, user if known else None, password if known else None)


def _standard_proxy(environment: Mapping[str, str], name: str) -> Proxy | None:
    text = _first(environment, name.lower(), name.upper())
    if not text:
        return None
    parts = urlsplit(text if "://" in text else f"http://{text}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{name.upper()} must look like http://host:port.")
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    return Proxy(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80), parts.scheme, user, password)


def _standard_exceptions(environment: Mapping[str, str]) -> tuple[str, ...]:
    text = _first(environment, "no_proxy", "NO_PROXY") or ""
    found: list[str] = []
    for piece in (piece.strip() for piece in text.split(",")):
        if piece:
            name = piece.removeprefix("*").removeprefix(".")
            found += ["*"] if piece == "*" else [name, f"*.{name}"]
    return tuple(found)


def proxies_from_environment(environment: Mapping[str, str], *, standard: bool = False) -> ProxyConfig:
    """Reads ``CONNECTOR_HTTP(S)_PROXY_{HOST|PORT|SCHEME|USER|PASSWORD}`` and ``CONNECTOR_HTTP_NON_PROXY_HOSTS``.

    With ``standard``, ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY`` fill what these leave open.

    Raises:
        ConfigError: a value cannot be used; the message names the variable.
    """
    plain, tls = _proxy(environment, "CONNECTOR_HTTP_PROXY"), _proxy(environment, "CONNECTOR_HTTPS_PROXY")
    exceptions = tuple(
        piece.strip() for piece in environment.get("CONNECTOR_HTTP_NON_PROXY_HOSTS", "").split("|") if piece.strip()
    )
    if standard:
        plain = plain or _standard_proxy(environment, "http_proxy")
        tls = tls or _standard_proxy(environment, "https_proxy")
        exceptions += _standard_exceptions(environment)
    return ProxyConfig(plain, tls, exceptions)


__all__ = ["egress_from_environment", "proxies_from_environment"]
