"""Who we are to the brokers: ``security.protocol``, ``sasl.*`` and ``ssl.*`` as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from coupler.sdk import ConnectorError, InputError
from coupler.sdk.oauth import TokenRequest
from coupler_kafka.jaas import Jaas, parse_jaas
from coupler_kafka.tls import TlsOptions, tls_options

_PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_WITH_PASSWORD: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_EXTENSION: Final = "extension_"


@dataclass(slots=True, frozen=True)
class OAuth:
    """How the token of OAUTHBEARER is had."""

    request: TokenRequest
    extensions: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True, frozen=True)
class Security:
    """Protocol, mechanism and what they need."""

    protocol: str
    mechanism: str | None = None
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    oauth: OAuth | None = None
    kerberos_service: str = "kafka"
    kerberos_domain: str | None = None
    tls: TlsOptions | None = None


def security_of(properties: Mapping[str, str], pair: tuple[str, str] | None) -> Security:
    """Reads the security of effective properties.

    Args:
        properties: by Java names.
        pair: user name and password of the form, which ``sasl.jaas.config`` overrides.

    Raises:
        ConnectorError: something is missing or cannot be read.
        InputError: a kind of key store or a mechanism that cannot be used here.
    """
    protocol = properties["security.protocol"].strip().upper()
    if protocol not in _PROTOCOLS:
        raise ConnectorError(f"Invalid value for the Kafka property security.protocol: one of {', '.join(_PROTOCOLS)}")
    tls = tls_options(properties) if protocol.endswith("SSL") else None
    if not protocol.startswith("SASL"):
        return Security(protocol, tls=tls)
    mechanism = properties["sasl.mechanism"].strip().upper()
    jaas = parse_jaas(properties["sasl.jaas.config"]) if properties.get("sasl.jaas.config", "").strip() else None
    if mechanism in _WITH_PASSWORD:
        return Security(protocol, mechanism, _credentials(mechanism, jaas, pair), tls=tls)
    if mechanism == "OAUTHBEARER":
        return Security(protocol, mechanism, oauth=_oauth(properties, jaas), tls=tls)
    if mechanism == "GSSAPI":
        return _kerberos(protocol, properties, jaas, tls)
    known = ", ".join((*_WITH_PASSWORD, "OAUTHBEARER", "GSSAPI"))
    raise InputError(f"The SASL mechanism {mechanism[:40]} cannot be used here. Possible: {known}")


def _credentials(mechanism: str, jaas: Jaas | None, pair: tuple[str, str] | None) -> tuple[str, str]:
    found = pair if jaas is None else jaas.pair
    if found is None:
        raise ConnectorError(
            f"SASL {mechanism} needs a user name and a password, in the form or as username and password in"
            " sasl.jaas.config"
        )
    return found


def _kerberos(protocol: str, properties: Mapping[str, str], jaas: Jaas | None, tls: TlsOptions | None) -> Security:
    service = properties.get("sasl.kerberos.service.name") or (jaas.options.get("serviceName") if jaas else None)
    domain = properties.get("sasl.kerberos.domain.name")
    return Security(protocol, "GSSAPI", kerberos_service=service or "kafka", kerberos_domain=domain, tls=tls)


def _oauth(properties: Mapping[str, str], jaas: Jaas | None) -> OAuth:
    options = jaas.options if jaas is not None else {}
    prefix = "sasl.oauthbearer.client.credentials."
    endpoint = properties.get("sasl.oauthbearer.token.endpoint.url", "").strip()
    client_id = properties.get(f"{prefix}client.id") or options.get("clientId")
    secret = properties.get(f"{prefix}client.secret") or options.get("clientSecret")
    if not endpoint or not client_id or not secret:
        raise ConnectorError(
            "SASL OAUTHBEARER needs sasl.oauthbearer.token.endpoint.url, and clientId and clientSecret in"
            " sasl.jaas.config"
        )
    request = TokenRequest(
        endpoint,
        client_id,
        secret,
        client_authentication="basicAuthHeader",
        scopes=properties.get("sasl.oauthbearer.scope") or options.get("scope"),
    )
    extensions = {
        name.removeprefix(_EXTENSION): value for name, value in options.items() if name.startswith(_EXTENSION)
    }
    return OAuth(request, tuple(sorted(extensions.items())))


__all__ = ["OAuth", "Security", "security_of"]
