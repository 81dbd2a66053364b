"""The configuration as a person wants to see it: every setting, its value, and where the value came from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from coupler.settings.loading import Loaded
from coupler.settings.tree import SettingPath, is_secret, leaves, variable

HIDDEN = "***"


@dataclasses.dataclass(slots=True, frozen=True)
class Row:
    """One setting; ``value`` is hidden where it may be a secret."""

    name: str
    path: str
    value: Any
    origin: str


def rows(loaded: Loaded) -> list[Row]:
    """All settings in the order of the model, then those of connectors and providers."""
    fixed = [
        Row(
            variable(path),
            ".".join(path),
            _shown(path, _value(loaded.settings, path)),
            loaded.origins.get(path, "default"),
        )
        for path in leaves()
    ]
    return fixed + list(_open_rows(loaded))


def _origin(loaded: Loaded, path: SettingPath) -> str:
    return loaded.origins.get(path, "default")


def _open_rows(loaded: Loaded) -> Iterator[Row]:
    for path, origin in sorted(loaded.origins.items()):
        if path not in leaves():
            # A connector's or provider's own settings: nobody here knows which of them are secrets.
            own = path[0] != "connectors" or path[2] not in ("enabled", "type", "lease_seconds", "max_jobs_active")
            value = HIDDEN if own and is_secret(path) else _value(loaded.settings, path)
            yield Row(variable(path), ".".join(path), _plain(value), origin)


def _value(settings: Any, path: SettingPath) -> Any:
    value = settings
    for part in path:
        value = _item(value, part)
    return value


def _item(value: Any, part: str) -> Any:
    if isinstance(value, dict):
        return value.get(part)
    return getattr(value, part, None)


def _shown(path: SettingPath, value: Any) -> Any:
    return HIDDEN if is_secret(path) and value else _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return value
