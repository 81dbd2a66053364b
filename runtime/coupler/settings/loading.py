"""From sources to settings: the layers are laid over each other, checked, and each value keeps its origin.

    file  <  Java names  <  .env  <  environment  <  flags

A ``COUPLER_…`` name always beats a Java name of the same setting, with a warning.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from coupler.errors import ConfigError
from coupler.settings.aliases import alias_layer, standard_proxy_layer
from coupler.settings.model import Settings
from coupler.settings.sources import Layer, Value, environment_layer, file_layer, find_file, read_env_file
from coupler.settings.tree import SettingPath, is_open, is_secret, leaf_of, variable
from coupler.settings.without_effect import without_effect


@dataclass(slots=True, frozen=True)
class Loaded:
    """Settings, where each came from, what to warn about, and the environment that they were read from."""

    settings: Settings
    origins: Mapping[SettingPath, str]
    warnings: tuple[str, ...]
    environ: Mapping[str, str]


@dataclass(slots=True)
class Sources:
    """What to read. The defaults are those of a service: the process's environment and working folder."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    folder: Path = field(default_factory=Path.cwd)
    config_file: str | None = None
    env_file: str | None = None
    flags: Mapping[SettingPath, Any] = field(default_factory=dict)


def load(sources: Sources | None = None) -> Loaded:
    """Reads and merges all sources.

    Raises:
        ConfigError: a source cannot be read, a name is no setting, or a value does not fit; says where it stands.
    """
    sources = sources or Sources()
    dotenv = read_env_file(sources.env_file, sources.environ, sources.folder)
    path, variables = dotenv if dotenv else (Path(".env"), {})
    config = find_file(sources.config_file, {**variables, **sources.environ}, sources.folder)
    aliases = {**alias_layer(variables, str(path.name)), **alias_layer(sources.environ, "environment")}
    own = {
        **environment_layer(variables, str(path.name)),
        **environment_layer(sources.environ, "environment"),
        **{flag: Value(value, "flag") for flag, value in sources.flags.items()},
    }
    warnings = _overridden(aliases, own)
    merged = {**(file_layer(config) if config else {}), **aliases, **own}
    merged = {**_standard_proxies(merged, {**variables, **sources.environ}), **merged}
    warnings.extend(_unsupported(merged))
    warnings.extend(without_effect({**variables, **sources.environ}))
    known = {path: value for path, value in merged.items() if leaf_of(path) or is_open(path)}
    settings = _validated(known)
    origins = {path: value.origin for path, value in known.items()}
    return Loaded(settings, origins, tuple(warnings), {**variables, **sources.environ})


def _overridden(aliases: Layer, own: Layer) -> list[str]:
    return [
        f"{own[path].origin} wins over {alias.origin}: both set {variable(path)}."
        for path, alias in aliases.items()
        if path in own and own[path].raw != alias.raw
    ]


def _standard_proxies(merged: Layer, environ: Mapping[str, str]) -> Layer:
    """``HTTP_PROXY`` and its like, where the deployment wants them to count."""
    wanted = merged.get(("use_standard_proxies",))
    if wanted is None or str(wanted.raw).strip().lower() not in ("true", "1", "yes", "on"):
        return {}
    return standard_proxy_layer(environ)


def _unsupported(merged: Layer) -> list[str]:
    return [
        f"{value.origin} has no effect: this version has no setting for it."
        for path, value in merged.items()
        if not (leaf_of(path) or is_open(path))
    ]


def _validated(merged: Layer) -> Settings:
    try:
        return Settings(**_nested(merged))
    except ValidationError as error:
        faults = [
            _fault(tuple(str(part) for part in each["loc"]), each["msg"], merged)
            for each in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise ConfigError("\n".join(dict.fromkeys(faults))) from error


def _nested(merged: Layer) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in merged.items():
        section = tree
        for part in path[:-1]:
            section = section.setdefault(part, {})
        section[path[-1]] = value.raw
    return tree


def _fault(location: tuple[str, ...], message: str, merged: Layer) -> str:
    """One wrong value: its name, where it stands, what it is unless it may be a secret, and what is expected."""
    if not location:
        return f"{message.removeprefix('Value error, ')}."
    path = next((location[:length] for length in range(len(location), 0, -1) if location[:length] in merged), location)
    value = merged.get(path)
    if value is None:
        return f"{variable(path)}: {message}."
    name = variable(path) if variable(path) in value.origin else f"{variable(path)} ({value.origin})"
    shown = "" if is_secret(path) or is_open(path) else f" It is {value.raw!r}."
    return f"{name}: {message}.{shown}"
