"""Document stores from installed plug-ins: entry points of the group ``coupler.document_stores``.

A store is a class with the methods of ``DocumentStore``. With a pydantic model ``Settings`` it is built with an
instance of it, read from ``COUPLER_DOCUMENTS__<NAME>__…``; without one it is built without arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from pydantic import BaseModel

from coupler.documents.store import DocumentStore
from coupler.errors import ConfigError
from coupler.nearest import did_you_mean
from coupler.plugins import bind_settings, missing_requirements, origin

GROUP: Final = "coupler.document_stores"
_METHODS: Final = ("create", "open", "delete", "link", "close")


def load_store(name: str, settings: Mapping[str, Any], *, plugins: Iterable[EntryPoint] | None = None) -> DocumentStore:
    """Builds one store.

    Args:
        name: which one.
        settings: its settings.
        plugins: entry points to choose from instead of the installed ones.

    Raises:
        ConfigError: an unknown store, or one that is broken or cannot use its settings.
    """
    found = {plugin.name: plugin for plugin in (entry_points(group=GROUP) if plugins is None else plugins)}
    plugin = found.get(name)
    if plugin is None:
        installed = f" Installed: {', '.join(sorted(found))}." if found else " None is installed."
        raise ConfigError(f"There is no document store {name!r}.{did_you_mean(name, found)}{installed}")
    label = f"Document store {plugin.name!r} ({plugin.value}, from {origin(plugin)})"
    missing = missing_requirements(plugin)
    if missing:
        raise ConfigError(f"{label}: {missing}")
    try:
        store_class = plugin.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{label} cannot be loaded: {error}.") from error
    return _built(store_class, settings, plugin.name, label)


def _built(store_class: Any, settings: Mapping[str, Any], name: str, label: str) -> DocumentStore:
    model = getattr(store_class, "Settings", None)
    if model is not None and not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise ConfigError(f"{label}: Settings must be a pydantic model, not {model!r}.")
    bound = bind_settings(model, settings, prefix=f"COUPLER_DOCUMENTS__{name.upper()}__", owner=label)
    store: DocumentStore = store_class() if model is None else store_class(bound)
    lacking = [method for method in _METHODS if not callable(getattr(store, method, None))]
    if lacking:
        raise ConfigError(f"{label} has no {', '.join(lacking)}.")
    return store


__all__ = ["GROUP", "load_store"]
