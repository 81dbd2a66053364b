"""Each part of the runtime from its section of the settings."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from coupler.documents.service import Documents
from coupler.documents.store import DocumentStore
from coupler.errors import ConfigError
from coupler.gateway.auth import authorization
from coupler.gateway.config import GatewayConfig
from coupler.gateway.connect import connect
from coupler.gateway.protocol import Gateway
from coupler.http.config import HttpConfig
from coupler.http.engine import Engine
from coupler.http.messages import TlsMaterial
from coupler.registry import Registry
from coupler.secrets.filtering import AllowList, DefinitionXml, FilterMode
from coupler.secrets.loading import load_providers
from coupler.secrets.resolution import Secrets
from coupler.served_types import ServedTypes
from coupler.settings.loading import Loaded
from coupler.settings.model import Settings

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)


class SharedResources:
    """What connectors borrow: the HTTP engine, and one httpx client over it, made when the first asks for it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._client: httpx.AsyncClient | None = None

    @property
    def http_engine(self) -> Engine:
        """The outbound HTTP engine."""
        return self._engine

    def http(self) -> httpx.AsyncClient:
        """An httpx client over the same engine."""
        if self._client is None:
            from coupler.http.client import make_client

            self._client = make_client(self._engine)
        return self._client

    async def close(self) -> None:
        """Closes the client and the pool."""
        if self._client is not None:
            await self._client.aclose()
        await self._engine.close()


class Cluster:
    """The orchestration cluster: its gateway and its documents, over an HTTP engine of their own.

    The egress policy is for connectors; the cluster's address and its identity provider are the operator's choice.
    """

    def __init__(self, settings: Settings) -> None:
        """Builds the clients; they connect with their first call. Belongs to the running event loop.

        Raises:
            ConfigError: an address, a certificate, credentials or a document store cannot be used.
        """
        self._engine = Engine(HttpConfig())
        self.gateway: Gateway = connect(settings.gateway, self._engine)
        self.documents = self._documents(settings)

    async def close(self) -> None:
        """Closes all connections."""
        if self.documents is not None:
            await self.documents.close()
        await self.gateway.close()
        await self._engine.close()

    def _documents(self, settings: Settings) -> DocumentStore | None:
        if settings.documents.store is not None:
            from coupler.documents.loading import load_store

            return load_store(settings.documents.store, settings.documents.store_settings())
        if settings.documents.folder is not None:
            from coupler.documents.files import FileDocumentStore

            return FileDocumentStore(settings.documents.folder)
        if not settings.gateway.rest_address:
            return None
        from coupler.documents.cluster import ClusterDocuments

        return ClusterDocuments(
            settings.gateway.rest_address,
            self._engine,
            authorization=authorization(settings.gateway.auth, self._engine),
            tls=_cluster_tls(settings.gateway),
            config=settings.documents.limits,
        )


def _cluster_tls(config: GatewayConfig) -> TlsMaterial | None:
    paths = (config.client_certificate_path, config.client_key_path, config.ca_certificate_path)
    if not any(paths):
        return None
    certificate, key, authorities = (None if path is None else path.read_text() for path in paths)
    return TlsMaterial(certificate=certificate, private_key=key, trusted_certificates=authorities)


def make_resources(settings: Settings) -> SharedResources:
    """The HTTP engine of the connectors, with egress policy and proxies."""
    return SharedResources(Engine(settings.http))


def make_documents(settings: Settings, store: DocumentStore | None, engine: Engine) -> Documents:
    """References to handles, and contents to documents."""
    return Documents(store, engine, settings.documents.limits)


def make_registry(loaded: Loaded) -> Registry:
    """The installed connectors, as the settings want them.

    Raises:
        ConfigError: a plug-in or a setting cannot be used.
    """
    settings = loaded.settings
    served = ServedTypes.of(settings.enabled_types, settings.disabled_types)
    registry = Registry.load(settings.connector_configs(), named=settings.named_configs(), served=served)
    for registered in registry.all():
        if not registered.enabled:
            log.info("Connector %s serves no jobs: %s", registered.plugin, registered.disabled_because)
    return registry


def make_secrets(loaded: Loaded, fetch: DefinitionXml | None = None) -> Secrets:
    """The secret providers, and the filter of what elements may use, as the settings want them.

    Args:
        loaded: the settings and the environment that they came from.
        fetch: looks up process definitions; without it there is no filter.

    Raises:
        ConfigError: a provider or its settings cannot be used, or the filter needs a REST address and has none.
    """
    section = loaded.settings.secrets
    providers = load_providers(section.providers, section.provider_settings(), loaded.environ)
    secret_filter = None if fetch is None else _filter(loaded.settings, fetch)
    return Secrets(providers, section.bare_references, secret_filter)


def _filter(settings: Settings, fetch: DefinitionXml) -> AllowList | None:
    mode = settings.secrets.filter
    if mode is FilterMode.DISABLED:
        return None
    if not settings.gateway.rest_address:
        if mode is FilterMode.STRICT:
            raise ConfigError(
                "COUPLER_SECRETS__FILTER is STRICT: that needs the deployed processes, which only the REST API has."
                " Set COUPLER_GATEWAY__REST_ADDRESS."
            )
        log.info("Without COUPLER_GATEWAY__REST_ADDRESS every element may use every secret.")
        return None
    return AllowList(fetch, strict=mode is FilterMode.STRICT)
