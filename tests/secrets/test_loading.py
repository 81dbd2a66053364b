from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

from coupler.errors import ConfigError
from coupler.secrets import SecretScope
from coupler.secrets.env import EnvironmentSecrets
from coupler.secrets.file import FileSecrets
from coupler.secrets.loading import GROUP, load_providers

SCOPE = SecretScope("<default>", "order", 1, "call")


class Shop:
    """A provider of a stranger."""

    name = "shop"

    class Settings(BaseModel):
        url: str
        retries: int = 3

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    async def get(self, name: str, scope: SecretScope) -> str | None:
        return f"{self.settings.url}/{name}"

    async def close(self) -> None:
        pass


class Plain:
    """The smallest provider: without settings."""

    name = "plain"

    async def get(self, name: str, scope: SecretScope) -> str | None:
        return "plain"

    async def close(self) -> None:
        pass


class NoGet:
    name = "no-get"


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    module = ModuleType("secret_plugins")
    for each in (Shop, Plain, NoGet):
        setattr(module, each.__name__, each)
    monkeypatch.setitem(sys.modules, "secret_plugins", module)
    own = [EntryPoint(each.name, f"secret_plugins:{each.__name__}", GROUP) for each in (Shop, Plain, NoGet)]
    return [*entry_points(group=GROUP), *own, EntryPoint("lost", "secret_plugins:Lost", GROUP)]


def test_by_default_there_is_the_environment(plugins: list[EntryPoint]) -> None:
    (env,) = load_providers(None, {}, {}, plugins=plugins)

    assert isinstance(env, EnvironmentSecrets)


async def test_a_provider_with_settings_comes_after_the_environment(plugins: list[EntryPoint], tmp_path: Path) -> None:
    settings = {"file": {"path": str(tmp_path)}, "env": {"prefix": "S_"}, "shop": {"url": "http://vault"}}

    env, file, shop = load_providers(None, settings, {"S_A": "x"}, plugins=plugins)

    assert await env.get("A", SCOPE) == "x"
    assert isinstance(file, FileSecrets)
    assert await shop.get("B", SCOPE) == "http://vault/B"


def test_the_order_can_be_chosen(plugins: list[EntryPoint]) -> None:
    assert [each.name for each in load_providers(["plain", "env"], {}, {}, plugins=plugins)] == ["plain", "env"]
    assert load_providers([], {}, {}, plugins=plugins) == []


@pytest.mark.parametrize(
    ("names", "settings", "fault"),
    [
        (["plian"], {}, r"no secret provider 'plian'. Did you mean 'plain'\?"),
        (None, {"shpo": {}}, r"no secret provider 'shpo'. Did you mean 'shop'\?"),
        (["env"], {"shop": {"url": "x"}}, "settings for the secret provider 'shop', which COUPLER_SECRETS__PROVIDERS"),
        (["shop"], {"shop": {"uri": "x"}}, r"COUPLER_SECRETS__SHOP__URI. Did you mean 'COUPLER_SECRETS__SHOP__URL'\?"),
        (["shop"], {}, "COUPLER_SECRETS__SHOP__URL: Field required"),
        (["shop"], {"shop": {"url": "x", "retries": "many"}}, "COUPLER_SECRETS__SHOP__RETRIES: Input should be"),
        (["no-get"], {}, r"'no-get' .* has no get\(name, scope\) or no close\(\)"),
        (["lost"], {}, "'lost' .* cannot be loaded"),
    ],
)
def test_misuse_is_said(
    plugins: list[EntryPoint], names: list[str] | None, settings: dict[str, dict[str, str]], fault: str
) -> None:
    with pytest.raises(ConfigError, match=fault):
        load_providers(names, settings, {}, plugins=plugins)
