"""The connectors whose templates there are to generate: the installed plug-ins, classes only, nothing is opened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from coupler.errors import ConfigError
from coupler.nearest import did_you_mean
from coupler.registry import GROUP
from coupler.sdk.connector import Connector
from coupler.sdk.template import TemplateInfo
from coupler.templates.generate import template_info


@dataclass(frozen=True, slots=True)
class Templated:
    """A connector that says something about its template."""

    plugin: str
    connector: type[Connector[Any]]
    info: TemplateInfo

    @property
    def file(self) -> str:
        """The name of its files, without the ending."""
        return self.info.file or self.plugin


def templated(types: Sequence[str] = (), plugins: Iterable[EntryPoint] | None = None) -> list[Templated]:
    """The connectors with a template, by file name.

    Args:
        types: job types or names of entry points; none stands for all.
        plugins: entry points to look at instead of the installed ones.

    Raises:
        ConfigError: a type is not known or has no template, or a plug-in is broken.
    """
    classes = _classes(entry_points(group=GROUP) if plugins is None else plugins)
    wanted = {_named(name, classes) for name in types}
    found: list[Templated] = []
    for plugin, connector in classes.items():
        info = template_info(connector)
        if info is None and plugin in wanted:
            raise ConfigError(f"The connector {plugin!r} ({connector.type}) has no element template.")
        if info is not None and (plugin in wanted or not types):
            found.append(Templated(plugin, connector, info))
    return sorted(found, key=lambda each: each.file)


def job_types(plugins: Iterable[EntryPoint] | None = None) -> set[str]:
    """The job types of all installed connectors."""
    return {each.type for each in _classes(entry_points(group=GROUP) if plugins is None else plugins).values()}


def _classes(plugins: Iterable[EntryPoint]) -> dict[str, type[Connector[Any]]]:
    classes: dict[str, type[Connector[Any]]] = {}
    for plugin in plugins:
        try:
            loaded = plugin.load()
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"The connector {plugin.name!r} ({plugin.value}) cannot be loaded: {error}.") from error
        if not (isinstance(loaded, type) and issubclass(loaded, Connector)):
            raise ConfigError(f"The connector {plugin.name!r} ({plugin.value}) is no class derived from Connector.")
        classes[plugin.name] = loaded
    return classes


def _named(name: str, classes: dict[str, type[Connector[Any]]]) -> str:
    for plugin, connector in classes.items():
        if name in (plugin, connector.type):
            return plugin
    known = [*classes, *(connector.type for connector in classes.values())]
    raise ConfigError(f"There is no connector {name!r}.{did_you_mean(name, known)} Known: {', '.join(sorted(known))}.")


__all__ = ["Templated", "job_types", "templated"]
