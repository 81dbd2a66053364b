"""The documentation cannot lag: every setting, metric, endpoint and command stands in it, with its default."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from coupler.admin.application import create_app
from coupler.admin.metrics import RuntimeCollector
from coupler.cli.parser import parser
from coupler.secrets import SecretScope
from coupler.secrets.aws import AwsSettings
from coupler.secrets.env import EnvironmentSecrets
from coupler.secrets.file import FileSecrets
from coupler.secrets.loading import GROUP, load_providers
from coupler.secrets.vault import VaultSettings
from coupler.settings import Sources, load
from coupler.settings.aliases import ALIASES
from coupler.settings.show import rows
from coupler.settings.tree import connector_leaves, variable
from coupler.telemetry.metrics import JobMetrics
from tests.admin.view import FakeView

DOCS = Path(__file__).parents[1] / "docs"
CONFIGURATION = (DOCS / "configuration.md").read_text("utf-8")
SECRETS = (DOCS / "secrets.md").read_text("utf-8")

_ROW = re.compile(r"^\| `(COUPLER_[A-Z0-9_]+)` \| (?:`([^`]*)`)? ?\|", re.MULTILINE)


def default_text(value: object) -> str:
    if value is None or value == []:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_every_setting_is_documented_with_its_default(tmp_path: Path) -> None:
    documented = dict(_ROW.findall(CONFIGURATION))
    actual = {row.name: default_text(row.value) for row in rows(load(Sources(environ={}, folder=tmp_path)))}
    actual["COUPLER_HTTP__USER_AGENT"] = "coupler/<version>"

    assert documented == actual


def test_every_setting_of_a_connector_is_documented() -> None:
    for name in connector_leaves():
        assert f"`COUPLER_CONNECTORS__<NAME>__{name.upper()}`" in CONFIGURATION


@pytest.mark.parametrize("alias", ALIASES, ids=lambda alias: alias.name)
def test_every_java_name_is_documented(alias: object) -> None:
    from coupler.settings.aliases import Alias

    assert isinstance(alias, Alias)
    assert f"`{alias.variables()[0]}` | `{variable(alias.path)}`" in CONFIGURATION


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("env", EnvironmentSecrets.Settings),
        ("file", FileSecrets.Settings),
        ("vault", VaultSettings),
        ("aws", AwsSettings),
    ],
)
def test_every_setting_of_a_provider_is_documented(provider: str, model: type[BaseModel]) -> None:
    prefix = f"COUPLER_SECRETS__{provider.upper()}__"
    documented = {name for name, _ in _ROW.findall(SECRETS) if name.startswith(prefix)}

    assert documented == {prefix + name.upper() for name in model.model_fields}


def test_every_metric_is_documented() -> None:
    registry = CollectorRegistry()
    JobMetrics(registry)
    registry.register(RuntimeCollector(FakeView()))
    metrics = (DOCS / "metrics.md").read_text("utf-8")

    suffixes = {"counter": "_total", "info": "_info"}
    for family in registry.collect():
        assert f"`{family.name}{suffixes.get(family.type, '')}`" in metrics


def test_every_endpoint_is_documented() -> None:
    app = create_app(FakeView(), CollectorRegistry())
    admin = (DOCS / "admin.md").read_text("utf-8")

    for path in [*app.openapi()["paths"], "/", "/docs", "/openapi.json", "/actuator/prometheus"]:
        assert f"`{path}`" in admin


def commands(grammar: argparse.ArgumentParser, name: str = "coupler") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    below = [action for action in grammar._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield name, grammar
    for action in below:
        for word, each in action.choices.items():
            yield from commands(each, f"{name} {word}")


def test_every_command_and_option_is_documented() -> None:
    cli = (DOCS / "cli.md").read_text("utf-8")

    for name, grammar in commands(parser()):
        if name.startswith("coupler templates "):
            assert f"`{name.rpartition(' ')[2]}`" in cli
            continue
        assert f"## `{name}" in cli
        for action in grammar._actions:
            for option in action.option_strings:
                assert option in ("-h", "--help") or f"`{option}" in cli, f"{name} {option}"


async def test_the_example_of_a_provider_works(monkeypatch: pytest.MonkeyPatch) -> None:
    source = SECRETS.partition("```python\n")[2].partition("```")[0]
    module = ModuleType("shop_secrets")
    exec(compile(source, "shop_secrets.py", "exec"), module.__dict__)  # a documented example is run as it stands
    monkeypatch.setitem(sys.modules, "shop_secrets", module)
    target = re.search(r'^shop = "(.*)"$', SECRETS, re.MULTILINE)
    assert target is not None

    plugin = EntryPoint("shop", target[1], GROUP)
    (shop,) = load_providers(["shop"], {"shop": {"folder": "x", "cache_seconds": "5"}}, {}, plugins=[plugin])

    assert await shop.get("TOKEN", SecretScope("<default>", "order", 1, "call")) == "t-1"
    assert await shop.get("NOPE", SecretScope("<default>", "order", 1, "call")) is None
