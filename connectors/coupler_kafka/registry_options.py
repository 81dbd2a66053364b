"""How a schema registry is reached and used, from Kafka properties."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias
from urllib.parse import unquote

from coupler.sdk import ConnectorError
from coupler.sdk.oauth import TokenRequest
from coupler_kafka.properties import as_boolean
from coupler_kafka.tls import TlsOptions, tls_options

Subject: TypeAlias = Literal["TopicNameStrategy", "RecordNameStrategy", "TopicRecordNameStrategy"]
Source: TypeAlias = Literal["register", "look up", "latest"]

_URL: Final = re.compile(r"(https?://)(?:([^/@]*)@)?([^/@?#]+)([^?#]*)")
_STRATEGIES: Final[tuple[Subject, ...]] = ("TopicNameStrategy", "RecordNameStrategy", "TopicRecordNameStrategy")
_PREFIX: Final = "schema.registry."


@dataclass(slots=True, frozen=True)
class RegistryOptions:
    """One registry, as one model uses it.

    ``urls`` hold no credentials. ``source`` says how the id is had: the schema is registered, or looked up and must be
    there, or the latest version of the subject is used in its place.
    """

    urls: tuple[str, ...]
    source: Source = "register"
    normalize: bool = False
    subject: Subject = "TopicNameStrategy"
    check_json: bool = False
    authorization: str | None = field(default=None, repr=False)
    token: TokenRequest | None = None
    headers: tuple[tuple[str, str], ...] = ()
    tls: TlsOptions | None = None


def registry_options(
    url: str, properties: Mapping[str, str], sasl_pair: tuple[str, str] | None = None
) -> RegistryOptions:
    """Reads the properties; ``schema.registry.url`` among them wins over ``url``.

    Raises:
        ConnectorError: a value cannot be read.
    """
    known = dict(properties)
    for name, value in properties.items():  # the clients accept their properties with the prefix, too
        if name.startswith(_PREFIX):
            known.setdefault(name.removeprefix(_PREFIX), value)
    urls, in_url = _urls(known.get(f"{_PREFIX}url") or url)
    return RegistryOptions(
        urls,
        source=_source(known),
        normalize=_flag(known, "normalize.schemas"),
        subject=_subject(known.get("value.subject.name.strategy", "")),
        check_json=_flag(known, "json.fail.invalid.schema"),
        authorization=_authorization(known, in_url, sasl_pair),
        token=_token(known),
        headers=tuple(
            (header, known[name])
            for name, header in (
                ("bearer.auth.logical.cluster", "target-sr-cluster"),
                ("bearer.auth.identity.pool.id", "Confluent-Identity-Pool-Id"),
            )
            if known.get(name)
        ),
        tls=tls_options(properties, f"{_PREFIX}ssl.") if _has_tls(properties) else None,
    )


def _urls(text: str) -> tuple[tuple[str, ...], str | None]:
    """Addresses without credentials, and the credentials that stood in one of them."""
    urls: list[str] = []
    credentials: str | None = None
    for each in (part.strip() for part in text.split(",")):
        if not each:
            continue
        found = _URL.fullmatch(each)
        if found is None:
            raise ConnectorError("The schema registry URL must begin with http:// or https:// and name a host")
        credentials = credentials or found[2]
        urls.append(found[1] + found[3] + found[4].rstrip("/"))
    if not urls:
        raise ConnectorError("The schema registry URL names no registry")
    return tuple(urls), credentials


def _flag(properties: Mapping[str, str], name: str) -> bool:
    return as_boolean(name, properties.get(name, "false"))


def _source(properties: Mapping[str, str]) -> Source:
    latest = _flag(properties, "use.latest.version")
    register = as_boolean(
        "auto.register.schemas", properties.get("auto.register.schemas", "false" if latest else "true")
    )
    if register:
        return "register"
    return "latest" if latest else "look up"


def _subject(text: str) -> Subject:
    wanted = text.strip().rpartition(".")[2] or "TopicNameStrategy"
    for known in _STRATEGIES:
        if wanted == known:
            return known
    raise ConnectorError(f"value.subject.name.strategy must be one of {', '.join(_STRATEGIES)}")


def _authorization(properties: Mapping[str, str], in_url: str | None, sasl_pair: tuple[str, str] | None) -> str | None:
    if properties.get("bearer.auth.credentials.source", "").upper() == "STATIC_TOKEN":
        return f"Bearer {properties.get('bearer.auth.token', '')}"
    source = properties.get("basic.auth.credentials.source", "").upper()
    pair = properties.get("basic.auth.user.info") or (unquote(in_url) if in_url else None)
    if source == "SASL_INHERIT":
        if sasl_pair is None:
            raise ConnectorError("basic.auth.credentials.source=SASL_INHERIT needs SASL credentials of the brokers")
        pair = ":".join(sasl_pair)
    if source == "USER_INFO" and not pair:
        raise ConnectorError("basic.auth.credentials.source=USER_INFO needs basic.auth.user.info=USER:PASSWORD")
    return f"Basic {b64encode(pair.encode()).decode()}" if pair else None


def _token(properties: Mapping[str, str]) -> TokenRequest | None:
    if properties.get("bearer.auth.credentials.source", "").upper() != "OAUTHBEARER":
        return None
    endpoint = properties.get("bearer.auth.issuer.endpoint.url")
    client_id, secret = properties.get("bearer.auth.client.id"), properties.get("bearer.auth.client.secret")
    if not endpoint or not client_id or not secret:
        raise ConnectorError(
            "bearer.auth.credentials.source=OAUTHBEARER needs bearer.auth.issuer.endpoint.url, bearer.auth.client.id"
            " and bearer.auth.client.secret"
        )
    return TokenRequest(
        endpoint,
        client_id,
        secret,
        client_authentication="basicAuthHeader",
        scopes=properties.get("bearer.auth.scope"),
    )


def _has_tls(properties: Mapping[str, str]) -> bool:
    return any(name.startswith(f"{_PREFIX}ssl.") for name in properties)


__all__ = ["RegistryOptions", "Source", "Subject", "registry_options"]
