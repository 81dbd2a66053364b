from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, Field

from coupler.errors import ConfigError
from coupler.plugins import missing_requirements
from coupler.registry import GROUP, ConnectorConfig, Registry, input_variables, normalised
from coupler.sdk import Connector, Input, JobContext, Resources
from coupler.served_types import ServedTypes

RESOURCES = cast(Resources, object())


class GreeterInput(Input):
    who: str
    greeting_text: str = "Hello"


class Greeter(Connector[GreeterInput]):
    type = "example:greeter:1"
    name = "Greeter"
    Input = GreeterInput

    class Settings(BaseModel):
        language: str = "en"
        volume: int = 3

    def __init__(self) -> None:
        self.log: list[str] = []

    async def open(self, resources: Resources) -> None:
        self.log.append("open")

    async def close(self) -> None:
        self.log.append("close")

    async def execute(self, input: GreeterInput, context: JobContext) -> Any:  # noqa: A002
        return {"text": f"Hello {input.who}"}


class Twin(Greeter):
    name = "Twin"


class Unopenable(Greeter):
    type = "example:unopenable:1"

    async def open(self, resources: Resources) -> None:
        raise OSError("no route")


class NoExecute(Connector[GreeterInput]):
    type = "example:none:1"
    name = "None"
    Input = GreeterInput


class WrongExecute(Connector[GreeterInput]):
    type = ""
    name = "Wrong"
    Input = cast(Any, dict)
    threads = 0
    input_variables = cast(Any, ["a"])

    async def execute(self, input: GreeterInput) -> Any:  # type: ignore[override]  # noqa: A002
        return None


class ReservedSettings(Greeter):
    class Settings(BaseModel):
        enabled: bool = True


NOT_A_CLASS = Greeter()


@pytest.fixture(autouse=True)
def _module(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("registry_plugins")
    for each in (Greeter, Twin, Unopenable, NoExecute, WrongExecute, ReservedSettings):
        setattr(module, each.__name__, each)
    module.__dict__["NOT_A_CLASS"] = NOT_A_CLASS
    module.__dict__["Plain"] = dict
    monkeypatch.setitem(sys.modules, "registry_plugins", module)


def plugin(name: str, attribute: str, module: str = "registry_plugins") -> EntryPoint:
    return EntryPoint(name, f"{module}:{attribute}", GROUP)


def load(*plugins: EntryPoint, **configs: ConnectorConfig) -> Registry:
    return Registry.load(configs, plugins=plugins)


def test_a_connector_is_found_by_its_job_type() -> None:
    # When a plug-in is loaded
    registered = load(plugin("greeter", "Greeter")).resolve("example:greeter:1")

    # Then everything that a worker needs stands on it
    assert isinstance(registered.connector, Greeter)
    assert (registered.type, registered.name, registered.plugin) == ("example:greeter:1", "Greeter", "greeter")
    assert registered.input_variables == ("who", "greetingText")
    assert registered.enabled
    assert registered.lease_seconds is None
    assert registered.connector.settings == Greeter.Settings()


def test_settings_of_the_deployment_override() -> None:
    config = ConnectorConfig(
        type="mine:1", lease_seconds=5, max_jobs_active=7, stream_enabled=False, settings={"volume": "11"}
    )
    registered = load(plugin("greeter", "Greeter"), greeter=config).resolve("mine:1")

    assert (registered.lease_seconds, registered.max_jobs_active, registered.stream_enabled) == (5, 7, False)
    assert registered.connector is not None
    assert registered.connector.settings.volume == 11


@pytest.mark.parametrize(
    ("name", "expected"),
    [("HTTP REST", "HTTP_REST"), (" My super-fancy connector ", "MY_SUPERFANCY_CONNECTOR"), ("Grüßer", "GRER")],
)
def test_names_as_the_java_runtime_writes_them(name: str, expected: str) -> None:
    assert normalised(name) == expected


def test_overrides_by_name_give_way_to_those_by_plugin() -> None:
    named = {"GREETER": ConnectorConfig(type="theirs:1", lease_seconds=60)}
    plugins = [plugin("greeter", "Greeter")]

    assert Registry.load({}, named=named, plugins=plugins).resolve("theirs:1").lease_seconds == 60
    ours = {"greeter": ConnectorConfig(type="ours:1")}
    assert Registry.load(ours, named=named, plugins=plugins).resolve("ours:1").lease_seconds == 60


def test_the_installed_rest_connector_is_an_entry_point() -> None:
    from importlib.metadata import entry_points

    assert "rest" in entry_points(group=GROUP).names


def test_a_job_type_of_two_plugins_is_refused_naming_both() -> None:
    with pytest.raises(ConfigError) as raised:
        load(plugin("greeter", "Greeter"), plugin("twin", "Twin"))

    text = str(raised.value)
    assert "'example:greeter:1'" in text
    assert "'greeter'" in text
    assert "'twin'" in text
    assert "COUPLER_CONNECTORS__TWIN__ENABLED=false" in text


def test_a_conflict_ends_when_one_side_is_disabled_or_renamed() -> None:
    plugins = (plugin("greeter", "Greeter"), plugin("twin", "Twin"))
    off = load(*plugins, twin=ConnectorConfig(enabled=False))
    assert off.resolve("example:greeter:1").plugin == "greeter"
    renamed = load(*plugins, twin=ConnectorConfig(type="example:twin:1"))
    assert renamed.resolve("example:twin:1").plugin == "twin"


def test_two_plugins_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"Two plug-ins are called 'greeter'.*Greeter.*Twin"):
        load(plugin("greeter", "Greeter"), plugin("Greeter", "Twin"))


def test_a_disabled_connector_stays_listed_and_is_not_imported() -> None:
    registry = load(plugin("gone", "Nowhere", module="no_such_module"), gone=ConnectorConfig(enabled=False))

    (listed,) = registry.all()
    assert not listed.enabled
    assert "COUPLER_CONNECTORS__GONE__ENABLED" in listed.disabled_because


def test_a_disabled_job_type_gets_no_worker() -> None:
    registry = Registry.load({}, served=ServedTypes.of(None, ["Example:Greeter:1"]), plugins=[plugin("g", "Greeter")])

    assert [each.enabled for each in registry.all()] == [False]
    with pytest.raises(ConfigError, match=r"switched off: its job type"):
        registry.resolve("example:greeter:1")


@pytest.mark.parametrize(
    ("attribute", "faults"),
    [
        ("NOT_A_CLASS", ["an object of type Greeter, not a class"]),
        ("Plain", ["class dict is not derived from coupler.sdk.Connector"]),
        ("NoExecute", ["NoExecute does not define execute(self, input, context)"]),
        (
            "WrongExecute",
            [
                "WrongExecute.type must be a non-empty string",
                "WrongExecute.Input must be a pydantic model",
                "WrongExecute.threads must be a whole number",
                "WrongExecute.input_variables must be a tuple",
                "cannot be called as execute(self, input, context)",
            ],
        ),
        ("ReservedSettings", ["names that the runtime keeps for itself: enabled"]),
        ("Missing", ["'Missing', which is not in the module 'registry_plugins'"]),
    ],
)
def test_misuse_is_found_at_load_and_said_in_one_go(attribute: str, faults: list[str]) -> None:
    with pytest.raises(ConfigError) as raised:
        load(plugin("broken", attribute))

    text = str(raised.value)
    assert "Connector 'broken'" in text
    for fault in faults:
        assert fault in text


def test_a_plugin_that_cannot_be_imported_says_how_to_go_on() -> None:
    with pytest.raises(ConfigError, match=r"no_such_module.*COUPLER_CONNECTORS__BROKEN__ENABLED=false"):
        load(plugin("broken", "X", module="no_such_module"))


def test_an_unknown_job_type_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'example:greter:1'. Did you mean 'example:greeter:1'\? Known: example"):
        load(plugin("greeter", "Greeter")).resolve("example:greter:1")


def test_settings_for_a_connector_that_is_not_installed_name_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"connector 'greter'.*Did you mean 'greeter'\?"):
        load(plugin("greeter", "Greeter"), greter=ConnectorConfig())


def test_an_unknown_setting_of_a_connector_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"Did you mean 'COUPLER_CONNECTORS__GREETER__VOLUME'\?"):
        load(plugin("greeter", "Greeter"), greeter=ConnectorConfig(settings={"volme": "1"}))


def test_a_misspelt_setting_of_the_runtime_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"Did you mean 'COUPLER_CONNECTORS__GREETER__MAX_JOBS_ACTIVE'\?"):
        load(plugin("greeter", "Greeter"), greeter=ConnectorConfig(settings={"max_job_active": "1"}))


def test_a_wrong_setting_of_a_connector_is_named_without_its_value() -> None:
    with pytest.raises(ConfigError) as raised:
        load(plugin("greeter", "Greeter"), greeter=ConnectorConfig(settings={"volume": "hunter2"}))

    assert "COUPLER_CONNECTORS__GREETER__VOLUME" in str(raised.value)
    assert "hunter2" not in str(raised.value)


async def test_connectors_open_and_close_once() -> None:
    registry = load(plugin("greeter", "Greeter"))
    greeter = registry.resolve("example:greeter:1").connector
    assert isinstance(greeter, Greeter)

    await registry.open_all(RESOURCES)
    await registry.close_all()
    await registry.close_all()

    assert greeter.log == ["open", "close"]


async def test_when_one_cannot_open_the_others_are_closed() -> None:
    registry = load(plugin("greeter", "Greeter"), plugin("bad", "Unopenable"))
    greeter = registry.resolve("example:greeter:1").connector
    assert isinstance(greeter, Greeter)

    with pytest.raises(ConfigError, match=r"'bad'.* cannot open: no route.*COUPLER_CONNECTORS__BAD__ENABLED=false"):
        await registry.open_all(RESOURCES)

    assert greeter.log == ["open", "close"]


def test_input_variables_follow_the_aliases() -> None:
    class Model(BaseModel):
        plain: int
        renamed: int = Field(alias="reNamed")
        either: int = Field(validation_alias=AliasChoices("one", AliasPath("two", "inner")))

    class Aliased(Greeter):
        Input = cast(Any, Model)

    assert input_variables(Aliased) == ("plain", "reNamed", "one", "two")


def test_a_model_that_takes_everything_fetches_everything() -> None:
    class Model(BaseModel, extra="allow"):
        known: int

    class Open(Greeter):
        Input = cast(Any, Model)

    assert input_variables(Open) == ()


def test_a_missing_extra_disables_the_connector_and_names_the_fix(tmp_path: Path) -> None:
    # Given a distribution whose plug-in "soapy" needs a package that is not installed
    info = tmp_path / "shop-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: shop\nVersion: 1.0\nProvides-Extra: soapy\n"
        'Requires-Dist: pydantic>=2\nRequires-Dist: surely-not-installed<5,>=4; extra == "soapy"\n'
    )
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nsoapy = registry_plugins:Greeter\n")
    from importlib.metadata import Distribution

    (soapy,) = Distribution.at(info).entry_points
    soapy = soapy._for(Distribution.at(info))  # type: ignore[attr-defined]

    # When it is loaded, then it is listed with the command that helps
    (listed,) = Registry.load({}, plugins=[soapy]).all()
    assert missing_requirements(soapy).startswith("surely-not-installed is not installed")
    assert not listed.enabled
    assert "pip install 'shop[soapy]'" in listed.disabled_because
