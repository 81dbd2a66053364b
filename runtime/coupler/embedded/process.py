"""The embedded engine as a process of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coupler.embedded.config import EngineConfig
from coupler.embedded.rejection import Rejection
from coupler.embedded.service import EmbeddedEngine
from coupler.errors import ConfigError

if TYPE_CHECKING:
    from coupler.embedded.server.rest.application import Mounted


def run(config: EngineConfig, files: Sequence[Path] = (), documents: Callable[[], Mounted] | None = None) -> int:
    """Serves until SIGTERM or SIGINT; deploys ``files`` first (a folder stands for its ``*.bpmn``).

    ``documents`` makes what serves documents beside the REST API.

    Returns the exit code, 0.

    Raises:
        ConfigError: the database, a port or a file cannot be used.
    """
    asyncio.run(_serve(EmbeddedEngine(config, documents), files))
    return 0


async def _serve(engine: EmbeddedEngine, files: Sequence[Path]) -> None:
    stopping = asyncio.Event()
    _on_signal(stopping)
    await engine.start()
    try:
        await _deploy(engine, _resources(files))
        where = str(engine.config.db_path) if engine.config.db_path else "in memory"
        rest = f", REST on {engine.rest_address}" if engine.rest_address else ""
        _say(f"Embedded engine: gRPC on {engine.grpc_address}{rest}, state {where}")
        await stopping.wait()
    finally:
        await engine.stop()


async def _deploy(engine: EmbeddedEngine, files: Iterable[Path]) -> None:
    for file in files:
        try:
            for process in await engine.deploy(file.name, file.read_bytes()):
                _say(f"Deployed {process.process_id} version {process.version} from {file}")
        except (OSError, Rejection) as error:
            raise ConfigError(str(error)) from error


def _resources(files: Sequence[Path]) -> Iterable[Path]:
    for file in files:
        if file.is_dir():
            yield from sorted(file.glob("*.bpmn"))
        else:
            yield file


def _on_signal(stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stopping.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
