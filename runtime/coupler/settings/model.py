"""Every setting of the runtime, once.

Most sections are the frozen dataclasses of the layers below, which never see anything but their own section. A setting
is named by its path: ``worker.max_jobs_active`` in a file, ``COUPLER_WORKER__MAX_JOBS_ACTIVE`` in the environment.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from coupler.admin.config import AdminConfig
from coupler.documents.config import DocumentsConfig
from coupler.gateway.config import GatewayConfig
from coupler.http.config import HttpConfig
from coupler.registry import ConnectorConfig
from coupler.secrets.filtering import FilterMode
from coupler.secrets.resolution import BareReferences
from coupler.telemetry.tracing import TracingConfig
from coupler.worker.config import WorkerConfig

if TYPE_CHECKING:
    from coupler.embedded.config import EngineConfig


class Section(BaseModel):
    """A group of settings; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EmbeddedSettings(Section):
    """The embedded engine."""

    host: str = "127.0.0.1"
    port: int = Field(default=26500, ge=0, le=65535, description="Port of the gRPC gateway; 0 takes any free one.")
    rest_port: int = Field(default=8088, ge=0, le=65535, description="Port of the REST API; 0 takes any free one.")
    db: Path | None = Field(default=None, description="Database file; without one the state is lost with the process.")

    def engine_config(self) -> EngineConfig:
        """The section as the engine takes it."""
        from coupler.embedded.config import EngineConfig  # brings the whole engine, which a worker does not need

        return EngineConfig(host=self.host, grpc_port=self.port, rest_port=self.rest_port, db_path=self.db)


class LogSettings(Section):
    """Logs, written to standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["text", "json"] = "text"
    summary_seconds: float = Field(default=60.0, ge=0, description="Pause between summary lines; 0: none.")


class SecretsSettings(BaseModel):
    """Secrets. Any further section is named after a provider and holds that provider's own settings."""

    model_config = ConfigDict(extra="allow", frozen=True)

    providers: tuple[str, ...] | None = Field(
        default=None,
        description="In the order in which they are asked; by default env, then all that have settings.",
    )
    bare_references: BareReferences = BareReferences.KNOWN
    filter: FilterMode = FilterMode.LAX

    def provider_settings(self) -> dict[str, dict[str, Any]]:
        """The settings of each provider, by its name."""
        return {name: values for name, values in (self.model_extra or {}).items() if isinstance(values, dict)}


class DocumentSettings(BaseModel):
    """Documents: where they are kept, and limits. Any further section holds the settings of an installed store."""

    model_config = ConfigDict(extra="allow", frozen=True)

    store: str | None = Field(default=None, description="An installed store that keeps documents, by its name.")
    folder: Path | None = Field(
        default=None, description="Keep documents in this folder instead of the cluster's store."
    )
    limits: DocumentsConfig = DocumentsConfig()

    @model_validator(mode="after")
    def _one_place(self) -> DocumentSettings:
        if self.store is not None and self.folder is not None:
            raise ValueError("COUPLER_DOCUMENTS__STORE and COUPLER_DOCUMENTS__FOLDER exclude each other")
        return self

    def store_settings(self) -> dict[str, Any]:
        """The settings of the chosen store."""
        found = (self.model_extra or {}).get((self.store or "").replace("-", "_").lower(), {})
        return found if isinstance(found, dict) else {}


class ConnectorSettings(BaseModel):
    """One connector. Any further name is a setting of the connector's own."""

    model_config = ConfigDict(extra="allow", frozen=True)

    enabled: bool = True
    type: str | None = Field(default=None, description="Another job type than the connector's own.")
    lease_seconds: float | None = Field(default=None, gt=0)
    max_jobs_active: int | None = Field(default=None, gt=0)
    stream_enabled: bool | None = None

    def connector_config(self) -> ConnectorConfig:
        """The section as the registry takes it."""
        own = {name: getattr(self, name) for name in type(self).model_fields}
        return ConnectorConfig(**own, settings=self.model_extra or {})


class Settings(BaseSettings):
    """All sections. Built by ``coupler.settings.load``, which merges the sources and keeps the origin of each value."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix="COUPLER_", env_nested_delimiter="__")

    gateway: GatewayConfig = GatewayConfig()
    worker: WorkerConfig = WorkerConfig()
    http: HttpConfig = HttpConfig()
    admin: AdminConfig = AdminConfig()
    embedded: EmbeddedSettings = EmbeddedSettings()
    secrets: SecretsSettings = SecretsSettings()
    documents: DocumentSettings = DocumentSettings()
    connectors: dict[str, ConnectorSettings] = {}
    connectors_by_name: dict[str, ConnectorSettings] = {}
    enabled_types: tuple[str, ...] | None = Field(default=None, description="The only job types that get a worker.")
    disabled_types: tuple[str, ...] = Field(default=(), description="Job types that get no worker.")
    use_standard_proxies: bool = Field(default=False, description="Let HTTP_PROXY, HTTPS_PROXY and NO_PROXY count.")
    log: LogSettings = LogSettings()
    tracing: TracingConfig = TracingConfig()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what the loader merged: pydantic's own sources keep neither origins nor unknown names."""
        return (init_settings,)

    @model_validator(mode="after")
    def _one_list_of_types(self) -> Settings:
        if self.enabled_types is not None and self.disabled_types:
            raise ValueError("COUPLER_ENABLED_TYPES and COUPLER_DISABLED_TYPES are mutually exclusive")
        return self

    @model_validator(mode="after")
    def _numbers_in_range(self) -> Settings:
        """The dataclasses of the layers below do not check themselves."""
        at_least = {"max_jobs_active": 1, "max_jobs_active_total": 1, "drain_seconds": 0, "recent_jobs": 0}
        above_zero = ("lease_seconds", "request_timeout_seconds", "max_execution_seconds")
        for name, value in ((name, getattr(self.worker, name)) for name in (*at_least, *above_zero)):
            if name in at_least and value < at_least[name]:
                raise ValueError(f"COUPLER_WORKER__{name.upper()} must be at least {at_least[name]}, not {value}")
            if name in above_zero and value <= 0:
                raise ValueError(f"COUPLER_WORKER__{name.upper()} must be greater than 0, not {value}")
        if not 0 <= self.tracing.sample_ratio <= 1:
            ratio = self.tracing.sample_ratio
            raise ValueError(f"COUPLER_TRACING__SAMPLE_RATIO must be between 0 and 1, not {ratio}")
        if not 0 <= self.admin.port <= 65535:
            raise ValueError(f"COUPLER_ADMIN__PORT must be between 0 and 65535, not {self.admin.port}")
        return self

    def named_configs(self) -> dict[str, ConnectorConfig]:
        """The same by connectors' own names, as the Java runtime's variables give them."""
        return {name.upper(): section.connector_config() for name, section in self.connectors_by_name.items()}

    def connector_configs(self) -> dict[str, ConnectorConfig]:
        """The settings of each connector as the registry takes them."""
        return {name: section.connector_config() for name, section in self.connectors.items()}
