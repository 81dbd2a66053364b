"""Where settings come from: a file, ``.env``, the environment, flags. Each value keeps its origin."""

from __future__ import annotations

import importlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coupler.errors import ConfigError
from coupler.nearest import did_you_mean
from coupler.settings.tree import PREFIX, SettingPath, connector_leaves, is_open, leaf_of, leaves, variable

CONFIG_VARIABLE = "COUPLER_CONFIG"
ENV_FILE_VARIABLE = "COUPLER_ENV_FILE"
OWN_VARIABLES = frozenset({CONFIG_VARIABLE, ENV_FILE_VARIABLE})
DEFAULT_FILES = ("coupler.toml", "coupler.yaml", "coupler.yml")

# What Kubernetes puts into the environment of every pod for a service called "coupler…".
_SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$")


@dataclass(slots=True, frozen=True)
class Value:
    """A raw value and where it stands."""

    raw: Any
    origin: str


Layer = dict[SettingPath, Value]


def environment_layer(environ: Mapping[str, str], source: str) -> Layer:
    """The ``COUPLER_…`` variables of an environment.

    Raises:
        ConfigError: a name that is no setting.
    """
    layer: Layer = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name in OWN_VARIABLES:
            continue
        path = tuple(part.lower() for part in name.removeprefix(PREFIX).split("__"))
        if not _is_setting(path):
            if is_service_link(name, text):
                continue
            raise ConfigError(_unknown(name, f"{source}: "))
        value = parsed(path, text, name)
        if value is not None:
            layer[path] = Value(value, f"{source} {name}")
    return layer


def parsed(path: SettingPath, text: str, name: str) -> Any:
    """The value that a text of the environment stands for; ``None``: as if it were not set.

    Lists are separated by commas or written as JSON; an empty text unsets everything but a text.
    """
    leaf = leaf_of(path)
    if leaf is None:
        return text
    if not text and leaf.annotation is not str:
        return None
    if leaf.is_list and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    if leaf.is_list:
        try:
            return json.loads(text)
        except ValueError as error:
            raise ConfigError(f"{name} looks like a JSON list and is none: {error}.") from error
    return text


def file_layer(path: Path) -> Layer:
    """The settings of a TOML or YAML file.

    Raises:
        ConfigError: the file cannot be read, or holds a name that is no setting.
    """
    try:
        content = _read(path)
    except OSError as error:
        raise ConfigError(f"The configuration file {path} cannot be read: {error.strerror}.") from error
    if not isinstance(content, dict):
        raise ConfigError(f"The configuration file {path} must hold sections with settings.")
    layer: Layer = {}
    for setting, value in _flattened((), content):
        if leaf_of(setting) is None and not is_open(setting):
            raise ConfigError(_unknown(".".join(setting), f"{path}: "))
        layer[setting] = Value(value, f"file {path}")
    return layer


def find_file(chosen: str | None, environ: Mapping[str, str], folder: Path) -> Path | None:
    """The configuration file: the one that was asked for, or one with a default name in the working folder."""
    asked = chosen or environ.get(CONFIG_VARIABLE)
    if asked:
        return Path(asked)
    found = [folder / name for name in DEFAULT_FILES if (folder / name).is_file()]
    if len(found) > 1:
        raise ConfigError(f"There is more than one configuration file: {', '.join(map(str, found))}. Keep one.")
    return found[0] if found else None


def read_env_file(chosen: str | None, environ: Mapping[str, str], folder: Path) -> tuple[Path, dict[str, str]] | None:
    """The variables of ``.env`` in the working folder, or of the file asked for; an empty name means none."""
    asked = chosen if chosen is not None else environ.get(ENV_FILE_VARIABLE)
    if asked == "":
        return None
    path = Path(asked) if asked else folder / ".env"
    if not path.is_file():
        if asked:
            raise ConfigError(f"There is no file {path} to read variables from.")
        return None
    from dotenv import dotenv_values

    return path, {name: text for name, text in dotenv_values(path, interpolate=False).items() if text is not None}


def _read(path: Path) -> Any:
    if path.suffix.lower() in (".yaml", ".yml"):
        return _read_yaml(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The configuration file {path} is not valid TOML: {error}.") from error


def _read_yaml(path: Path) -> Any:
    try:
        yaml = importlib.import_module("yaml")
    except ImportError as error:
        raise ConfigError(
            f"To read {path}, YAML support is needed: pip install PyYAML. Or write it as TOML."
        ) from error
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"The configuration file {path} is not valid YAML: {error}.") from error


def _flattened(path: SettingPath, content: Mapping[Any, Any]) -> Iterator[tuple[SettingPath, Any]]:
    for key, value in content.items():
        inner = (*path, str(key).replace("-", "_").lower() if not is_open((*path, str(key))) else str(key))
        if isinstance(value, dict) and leaf_of(inner) is None:
            yield from _flattened(inner, value)
        else:
            yield inner, value


def _is_setting(path: SettingPath) -> bool:
    """Whether a ``COUPLER_…`` variable may stand for it; sections by a connector's own name have Java names only."""
    return "" not in path and path[0] != "connectors_by_name" and (leaf_of(path) is not None or is_open(path))


def is_service_link(name: str, text: str) -> bool:
    """Whether Kubernetes made the variable for a service with a name that looks like ours."""
    if "__" in name:
        return False
    if _SERVICE_LINK.search(name) is not None:
        return True
    return name.endswith("_PORT") and text.startswith(("tcp://", "udp://", "sctp://"))


def _unknown(name: str, where: str) -> str:
    if name.startswith(PREFIX):
        return f"{where}{name} is not a setting.{did_you_mean(name, _variables(name))}"
    return f"{where}{name} is not a setting.{did_you_mean(name, ['.'.join(path) for path in leaves()])}"


def _variables(name: str) -> Iterator[str]:
    yield from map(variable, leaves())
    parts = name.split("__")
    if len(parts) == 3:
        yield from (f"{PREFIX}CONNECTORS__{parts[1]}__{each.upper()}" for each in connector_leaves())


def assigned(text: str) -> tuple[SettingPath, Any]:
    """A setting and its value from ``worker.max_jobs_active=5``.

    Raises:
        ConfigError: not of this form, or no such setting.
    """
    name, equals, value = text.partition("=")
    path = tuple(part.strip().replace("-", "_").lower() for part in name.split("."))
    if not equals:
        raise ConfigError(f"--set {text}: write it as NAME=VALUE, such as worker.max_jobs_active=5.")
    if not (leaf_of(path) or is_open(path)):
        raise ConfigError(_unknown(name.strip(), "--set "))
    return path, parsed(path, value, name)
