"""Secret providers from installed plug-ins: entry points of the group ``coupler.secret_providers``.

A provider is a class with ``name``, ``get`` and ``close`` (``SecretProvider``). With a pydantic model ``Settings`` it
is built with an instance of it, read from ``COUPLER_SECRETS__<NAME>__…``; without one it is built without arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel

from coupler.errors import ConfigError
from coupler.nearest import did_you_mean
from coupler.plugins import bind_settings, missing_requirements, origin
from coupler.secrets.env import EnvironmentSecrets
from coupler.secrets.provider import SecretProvider

GROUP = "coupler.secret_providers"


def load_providers(
    names: Sequence[str] | None,
    settings: Mapping[str, Mapping[str, Any]],
    environ: Mapping[str, str],
    *,
    plugins: Iterable[EntryPoint] | None = None,
) -> list[SecretProvider]:
    """Builds the providers in the order in which they are asked.

    Args:
        names: which ones; ``None`` means ``env`` and then every provider that has settings, by name.
        settings: the settings of each provider, by its name.
        environ: what the provider ``env`` reads.
        plugins: entry points to load instead of the installed ones.

    Raises:
        ConfigError: an unknown provider, or one that is broken or cannot use its settings.
    """
    found = {plugin.name: plugin for plugin in (entry_points(group=GROUP) if plugins is None else plugins)}
    chosen = list(names) if names is not None else ["env", *sorted(set(settings) - {"env"})]
    for name in (*chosen, *settings):
        if name not in found:
            raise ConfigError(
                f"There is no secret provider {name!r}.{did_you_mean(name, found)}"
                f" Installed: {', '.join(sorted(found))}."
            )
    unused = sorted(set(settings) - set(chosen))
    if unused:
        raise ConfigError(
            f"There are settings for the secret provider {unused[0]!r}, which COUPLER_SECRETS__PROVIDERS does not name."
        )
    return [_provider(found[name], settings.get(name, {}), environ) for name in chosen]


def _provider(plugin: EntryPoint, values: Mapping[str, Any], environ: Mapping[str, str]) -> SecretProvider:
    label = f"Secret provider {plugin.name!r} ({plugin.value}, from {origin(plugin)})"
    missing = missing_requirements(plugin)
    if missing:
        raise ConfigError(f"{label}: {missing}")
    try:
        provider_class = plugin.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{label} cannot be loaded: {error}.") from error
    model = getattr(provider_class, "Settings", None)
    if model is not None and not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise ConfigError(f"{label}: Settings must be a pydantic model, not {model!r}.")
    settings = bind_settings(model, values, prefix=f"COUPLER_SECRETS__{plugin.name.upper()}__", owner=label)
    provider: SecretProvider
    if provider_class is EnvironmentSecrets:
        provider = EnvironmentSecrets(settings if isinstance(settings, EnvironmentSecrets.Settings) else None, environ)
    else:
        provider = provider_class() if model is None else provider_class(settings)
    if not (callable(getattr(provider, "get", None)) and callable(getattr(provider, "close", None))):
        raise ConfigError(f"{label} has no get(name, scope) or no close().")
    return provider
