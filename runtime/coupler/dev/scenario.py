"""``dev.toml`` in a folder given to ``coupler dev``: instances to start, and what they need.

target = true                     # start the sample HTTP server; processes see its address as the variable "target"

[secrets]                         # secrets for these processes, as if SECRET_<NAME> were set
SHOP_TOKEN = "not-a-real-one"

[[instances]]
process = "order"                 # id of the process
at_start = 2                      # how many at once; default 1
every_seconds = 5                 # and one more every so often; default: no more
variables = { customer = "Ada" }  # "{n}" in a text becomes the number of the instance
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coupler.embedded import EngineThread, Rejection
from coupler.errors import ConfigError

FILE_NAME = "dev.toml"

log = logging.getLogger(__name__)


class Starts(BaseModel):
    """Instances of one process."""

    model_config = ConfigDict(extra="forbid")

    process: str
    at_start: Annotated[int, Field(ge=0)] = 1
    every_seconds: Annotated[float, Field(gt=0)] | None = None
    variables: dict[str, Any] = {}


class Scenario(BaseModel):
    """The content of one ``dev.toml``."""

    model_config = ConfigDict(extra="forbid")

    target: bool = False
    secrets: dict[str, str] = {}
    instances: list[Starts] = []

    def environ(self) -> dict[str, str]:
        """The secrets as environment variables."""
        return {f"SECRET_{name}": value for name, value in self.secrets.items()}


def read_scenario(paths: Iterable[Path]) -> Scenario:
    """The scenario of the first folder that has one; an empty one where none has.

    Raises:
        ConfigError: the file cannot be read, or says something unknown.
    """
    for path in paths:
        file = path / FILE_NAME
        if path.is_dir() and file.is_file():
            return _read(file)
    return Scenario()


def _read(file: Path) -> Scenario:
    try:
        return Scenario.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}.") from error
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_url=False))
        raise ConfigError(f"{file}: {'; '.join(faults)}.") from error


class Starter:
    """Starts the instances of a scenario."""

    def __init__(self, engine: EngineThread, starts: Iterable[Starts], variables: Mapping[str, object]) -> None:
        self._engine = engine
        self._starts = tuple(starts)
        self._variables = variables
        self._numbers = itertools.count(1)

    async def run(self) -> None:
        """Starts what is due, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for starts in self._starts:
                group.create_task(self._run(starts))

    async def _run(self, starts: Starts) -> None:
        for _ in range(starts.at_start):
            await self._start(starts)
        while starts.every_seconds is not None:
            await asyncio.sleep(starts.every_seconds)
            await self._start(starts)

    async def _start(self, starts: Starts) -> None:
        variables = {**self._variables, **_numbered(starts.variables, next(self._numbers))}
        try:
            await self._engine.create_instance(starts.process, variables)
        except Rejection as error:
            log.warning("No instance of %s was started: %s", starts.process, error)


def _numbered(value: Any, number: int) -> Any:
    if isinstance(value, str):
        return value.replace("{n}", str(number))
    if isinstance(value, dict):
        return {key: _numbered(item, number) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbered(item, number) for item in value]
    return value
