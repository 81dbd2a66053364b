"""What every kind of plug-in shares: where it comes from, what it lacks, and its settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distribution
from typing import Any

from pydantic import BaseModel, ValidationError

from coupler.errors import ConfigError
from coupler.nearest import did_you_mean

_REQUIREMENT = re.compile(r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)")
_EXTRA = re.compile(r"""extra\s*==\s*["'](?P<extra>[^"']+)["']""")


def origin(plugin: EntryPoint) -> str:
    """The distribution that a plug-in comes from, with its version."""
    return f"{plugin.dist.name} {plugin.dist.version}" if plugin.dist is not None else plugin.module


def missing_requirements(plugin: EntryPoint) -> str:
    """What the plug-in needs and is not installed, as a sentence with the fix; empty when all is there.

    A distribution names the needs of one of its plug-ins as an extra of the same name.
    """
    if plugin.dist is None:
        return ""
    missing = sorted(name for name in _extra_requirements(plugin.dist, plugin.name) if not _installed(name))
    if not missing:
        return ""
    verb, them = ("is", "it") if len(missing) == 1 else ("are", "them")
    needed = ", ".join(missing)
    return f"{needed} {verb} not installed; pip install '{plugin.dist.name}[{plugin.name}]' brings {them}."


def _extra_requirements(dist: Distribution, extra: str) -> Iterator[str]:
    for requirement in dist.requires or ():
        _, _, marker = requirement.partition(";")
        wanted = _EXTRA.search(marker)
        name = _REQUIREMENT.match(requirement)
        if wanted and name and wanted["extra"] == extra and name["name"] != dist.name:
            yield name["name"]


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def bind_settings(
    model: type[BaseModel] | None, values: Mapping[str, Any], *, prefix: str, owner: str, also: Iterable[str] = ()
) -> BaseModel | None:
    """Builds a plug-in's own settings. ``also``: names that the runtime keeps for itself, as help with misspelt ones.

    Raises:
        ConfigError: an unknown name (with the nearest known one) or a value that does not fit; values are not shown.
    """
    known = {} if model is None else model.model_fields
    names = [prefix + each.upper() for each in (*known, *also)]
    for name in values:
        if name not in known:
            wrong = prefix + name.upper()
            raise ConfigError(f"{owner} has no setting {wrong}.{did_you_mean(wrong, names)}")
    if model is None:
        return None
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        faults = "; ".join(
            f"{prefix}{'__'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False, include_context=False)
        )
        raise ConfigError(f"{owner} cannot use its settings. {faults}.") from error
