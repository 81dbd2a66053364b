"""From installed plug-ins to connectors: one connector per job type, all misuse found before the first job.

A plug-in is an entry point of the group ``coupler.connectors``; the name of the entry point is the name of the
connector in the settings (``COUPLER_CONNECTORS__<NAME>__…``).
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import AliasChoices, AliasPath, BaseModel, RootModel

from coupler.errors import ConfigError
from coupler.nearest import did_you_mean
from coupler.plugins import bind_settings, missing_requirements, origin
from coupler.sdk.connector import Connector
from coupler.sdk.context import Resources
from coupler.served_types import ALL_TYPES, ServedTypes

GROUP = "coupler.connectors"

log = logging.getLogger(__name__)


@dataclass(slots=True, frozen=True)
class ConnectorConfig:
    """What the deployment says about one connector; ``None`` keeps what the connector or the worker says."""

    enabled: bool = True
    type: str | None = None
    lease_seconds: float | None = None
    max_jobs_active: int | None = None
    stream_enabled: bool | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class Registered:
    """A connector that is ready to serve a job type, or the reason why it does not."""

    plugin: str
    origin: str
    type: str
    name: str
    connector: Connector[Any] | None
    input_variables: tuple[str, ...] = ()
    enabled: bool = True
    disabled_because: str = ""
    lease_seconds: float | None = None
    max_jobs_active: int | None = None
    stream_enabled: bool | None = None


class Registry:
    """All connectors of this process, by job type."""

    def __init__(self, connectors: Iterable[Registered]) -> None:
        self._all = tuple(sorted(connectors, key=lambda registered: (registered.type, registered.plugin)))
        self._by_type: dict[str, Registered] = {}
        for registered in self._all:
            if registered.enabled:
                _refuse_duplicate(self._by_type.get(registered.type), registered)
                self._by_type[registered.type] = registered
        self._opened: list[Registered] = []

    @classmethod
    def load(
        cls,
        configs: Mapping[str, ConnectorConfig] | None = None,
        *,
        named: Mapping[str, ConnectorConfig] | None = None,
        served: ServedTypes = ALL_TYPES,
        plugins: Iterable[EntryPoint] | None = None,
    ) -> Registry:
        """Loads every installed connector and applies the deployment's settings.

        Args:
            configs: by the name of the entry point.
            named: by the connector's own name as the Java runtime writes it (``HTTP_REST``); gives way to ``configs``.
            served: which job types get a worker.
            plugins: entry points to load instead of the installed ones.

        Raises:
            ConfigError: a plug-in is broken, two plug-ins claim the same name or job type, or a setting fits none.
        """
        configs = configs or {}
        found = _by_name(entry_points(group=GROUP) if plugins is None else plugins)
        for name in configs:
            if name not in found:
                raise ConfigError(
                    f"There are settings for a connector {name!r}, but no such connector is installed."
                    f"{did_you_mean(name, found)} Installed: {', '.join(sorted(found)) or 'none'}."
                )
        return cls(
            _load(plugin, configs.get(name, ConnectorConfig()), named or {}, served) for name, plugin in found.items()
        )

    def resolve(self, job_type: str) -> Registered:
        """The connector of a job type.

        Raises:
            ConfigError: there is none, or it is disabled; the text says what is near.
        """
        registered = self._by_type.get(job_type)
        if registered is None:
            raise ConfigError(self._unknown(job_type))
        return registered

    def all(self) -> tuple[Registered, ...]:
        """Every connector, those that are disabled included, by job type."""
        return self._all

    def enabled(self) -> Iterator[Registered]:
        """The connectors that serve jobs."""
        return iter(self._by_type.values())

    async def open_all(self, resources: Resources) -> None:
        """Opens every enabled connector, all at the same time.

        Raises:
            ConfigError: one of them cannot open; those that could are closed again.
        """
        candidates = list(self.enabled())
        answers = await asyncio.gather(*(_open(each, resources) for each in candidates), return_exceptions=True)
        failure: BaseException | None = None
        for registered, answer in zip(candidates, answers, strict=True):
            if isinstance(answer, BaseException):
                failure = failure or answer
            else:
                self._opened.append(registered)
        if failure is not None:
            await self.close_all()
            raise failure

    async def close_all(self) -> None:
        """Closes what was opened, in the opposite order. A connector that cannot close is logged and left."""
        while self._opened:
            registered = self._opened.pop()
            try:
                if registered.connector is not None:
                    await registered.connector.close()
            except Exception:
                log.warning("Connector %s (%s) failed to close.", registered.plugin, registered.origin, exc_info=True)

    def _unknown(self, job_type: str) -> str:
        for registered in self._all:
            if registered.type == job_type:
                return f"The connector for job type {job_type!r} is switched off: {registered.disabled_because}"
        known = sorted(self._by_type)
        return (
            f"No connector serves the job type {job_type!r}.{did_you_mean(job_type, known)}"
            f" Known: {', '.join(known) or 'none'}."
        )


def setting_name(plugin: str, key: str) -> str:
    """The environment variable of one setting of a connector."""
    return f"COUPLER_CONNECTORS__{plugin.replace('-', '_').upper()}__{key.upper()}"


def normalised(name: str) -> str:
    """A connector's name as it stands in the Java runtime's variables: ``HTTP REST`` is ``HTTP_REST``."""
    kept = "".join(letter for letter in name.strip() if letter.isascii() and (letter.isalnum() or letter in "_ "))
    return kept.replace(" ", "_").upper()


def _by_name(plugins: Iterable[EntryPoint]) -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for plugin in plugins:
        name = plugin.name.replace("-", "_").lower()
        other = found.get(name)
        if other is not None and (other.value, origin(other)) != (plugin.value, origin(plugin)):
            raise ConfigError(
                f"Two plug-ins are called {name!r}: {other.value} from {origin(other)} and {plugin.value} from"
                f" {origin(plugin)}. Uninstall one of them."
            )
        found[name] = plugin
    return found


def _refuse_duplicate(first: Registered | None, second: Registered) -> None:
    if first is None:
        return
    raise ConfigError(
        f"Two connectors serve the job type {second.type!r}: {first.plugin!r} from {first.origin} and {second.plugin!r}"
        f" from {second.origin}. Switch one off ({setting_name(second.plugin, 'enabled')}=false) or give it another"
        f" type ({setting_name(second.plugin, 'type')})."
    )


def _load(
    plugin: EntryPoint,
    config: ConnectorConfig,
    named: Mapping[str, ConnectorConfig],
    served: ServedTypes,
) -> Registered:
    name = plugin.name.replace("-", "_").lower()
    if not config.enabled:
        reason = f"{setting_name(name, 'enabled')} is false"
        return Registered(name, origin(plugin), config.type or "", name, None, enabled=False, disabled_because=reason)
    missing = missing_requirements(plugin)
    if missing:
        reason = f"{missing} Without it, {setting_name(name, 'enabled')}=false silences this."
        return Registered(name, origin(plugin), config.type or "", name, None, enabled=False, disabled_because=reason)
    connector_class = _validated(plugin)
    older = named.get(normalised(connector_class.name), ConnectorConfig())
    config = replace(config, type=config.type or older.type, lease_seconds=config.lease_seconds or older.lease_seconds)
    job_type = config.type or connector_class.type
    disabled_because = served.why_not(job_type)
    connector = None if disabled_because else _instance(plugin, connector_class, config)
    return Registered(
        plugin=name,
        origin=origin(plugin),
        type=job_type,
        name=connector_class.name,
        connector=connector,
        input_variables=input_variables(connector_class),
        enabled=not disabled_because,
        disabled_because=disabled_because,
        lease_seconds=config.lease_seconds,
        max_jobs_active=config.max_jobs_active,
        stream_enabled=config.stream_enabled,
    )


def _instance(plugin: EntryPoint, connector_class: type[Connector[Any]], config: ConnectorConfig) -> Connector[Any]:
    try:
        connector = connector_class()
    except Exception as error:
        raise ConfigError(f"{_label(plugin)} cannot be created without arguments: {error!r}.") from error
    prefix = setting_name(plugin.name, "")
    connector.settings = bind_settings(
        connector_class.Settings, config.settings, prefix=prefix, owner=_label(plugin), also=sorted(_OWN_KEYS)
    )
    return connector


async def _open(registered: Registered, resources: Resources) -> None:
    try:
        if registered.connector is not None:
            await registered.connector.open(resources)
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(
            f"Connector {registered.plugin!r} from {registered.origin} cannot open: {error or type(error).__name__}."
            f" Without it: {setting_name(registered.plugin, 'enabled')}=false."
        ) from error


def _validated(plugin: EntryPoint) -> type[Connector[Any]]:
    label = _label(plugin)
    try:
        loaded = plugin.load()
    except ImportError as error:
        raise ConfigError(
            f"{label} cannot be imported: {error}. Install what it needs, or switch it off:"
            f" {setting_name(plugin.name, 'enabled')}=false."
        ) from error
    except AttributeError as error:
        raise ConfigError(f"{label} names {plugin.attr!r}, which is not in the module {plugin.module!r}.") from error
    faults = list(_faults(loaded))
    if faults:
        raise ConfigError(f"{label} is no valid connector: {'; '.join(faults)}.")
    connector_class: type[Connector[Any]] = loaded
    return connector_class


def _faults(loaded: Any) -> Iterator[str]:
    if not isinstance(loaded, type):
        yield f"it is {_article(loaded)}, not a class derived from coupler.sdk.Connector"
        return
    if not issubclass(loaded, Connector):
        yield f"class {loaded.__name__} is not derived from coupler.sdk.Connector"
        return
    for attribute in ("type", "name"):
        value = getattr(loaded, attribute, None)
        if not isinstance(value, str) or not value.strip():
            yield f"{loaded.__name__}.{attribute} must be a non-empty string, not {value!r}"
    yield from _model_faults(loaded)
    yield from _execute_faults(loaded)
    if not isinstance(loaded.threads, int) or loaded.threads < 1:
        yield f"{loaded.__name__}.threads must be a whole number of at least 1, not {loaded.threads!r}"


def _model_faults(loaded: type[Connector[Any]]) -> Iterator[str]:
    model = getattr(loaded, "Input", None)
    if not loaded.operations and not (isinstance(model, type) and issubclass(model, BaseModel)):
        yield f"{loaded.__name__}.Input must be a pydantic model, not {model!r}"
    settings = loaded.Settings
    if settings is not None and not (isinstance(settings, type) and issubclass(settings, BaseModel)):
        yield f"{loaded.__name__}.Settings must be a pydantic model or None, not {settings!r}"
    elif settings is not None:
        taken = sorted(set(settings.model_fields) & _OWN_KEYS)
        if taken:
            yield f"{loaded.__name__}.Settings uses names that the runtime keeps for itself: {', '.join(taken)}"
    variables = loaded.input_variables
    if variables is not None and not (
        isinstance(variables, tuple) and all(isinstance(each, str) for each in variables)
    ):
        yield f"{loaded.__name__}.input_variables must be a tuple of names or None, not {variables!r}"


def _execute_faults(loaded: type[Connector[Any]]) -> Iterator[str]:
    if loaded.operations:
        yield from _operation_faults(loaded)
        return
    execute = loaded.execute
    if execute is Connector.execute:
        yield f"{loaded.__name__} does not define execute(self, input, context)"
        return
    try:
        inspect.signature(execute).bind(None, None, None)
    except TypeError:
        yield f"{loaded.__name__}.execute{inspect.signature(execute)} cannot be called as execute(self, input, context)"


def _operation_faults(loaded: type[Connector[Any]]) -> Iterator[str]:
    place, _, path = loaded.selector.partition(":")
    if place not in ("header", "input") or not all(path.split(".")):
        yield f"{loaded.__name__}.selector must be header:NAME or input:PATH, not {loaded.selector!r}"
    by_id: dict[str, str] = {}
    for each in loaded.operations:
        if not each.id:
            yield f"{loaded.__name__}.{each.method} has an empty operation id"
        if each.id in by_id:
            yield f"the operation {each.id!r} is claimed by {by_id[each.id]} and by {each.method}"
        by_id[each.id] = each.method
        if not (isinstance(each.input, type) and issubclass(each.input, BaseModel)):
            yield f"the input of operation {each.id!r} must be a pydantic model, not {each.input!r}"


_OWN_KEYS = frozenset(ConnectorConfig.__dataclass_fields__) - {"settings"}


def input_variables(connector_class: type[Connector[Any]]) -> tuple[str, ...]:
    """The variables to fetch for a connector's jobs; empty means all in scope."""
    if connector_class.input_variables is not None:
        return connector_class.input_variables
    operations = connector_class.operations
    models = [each.input for each in operations] if operations else [connector_class.Input]
    if any(issubclass(model, RootModel) or model.model_config.get("extra") == "allow" for model in models):
        return ()
    names = [name for model in models for each, info in model.model_fields.items() for name in _aliases(each, info)]
    place, _, path = connector_class.selector.partition(":")
    if operations and place == "input":
        names.append(path.partition(".")[0])
    return tuple(dict.fromkeys(names))


def _aliases(field_name: str, info: Any) -> Iterator[str]:
    alias = info.validation_alias or info.alias or field_name
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    for choice in choices:
        yield str(choice.path[0]) if isinstance(choice, AliasPath) else choice


def _label(plugin: EntryPoint) -> str:
    return f"Connector {plugin.name!r} ({plugin.value}, from {origin(plugin)})"


def _article(value: object) -> str:
    return f"an object of type {type(value).__name__}"
