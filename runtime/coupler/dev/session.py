"""``coupler dev``: engine, worker, admin server, sample target, table; one process, one Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from coupler.app import Runtime, own_signals
from coupler.app.engine_documents import engine_documents
from coupler.dev.deployment import Deployment
from coupler.dev.engine_view import EmbeddedView, on_free_ports
from coupler.dev.sample_target import SampleTarget
from coupler.dev.scenario import Scenario, Starter, read_scenario
from coupler.dev.screen import SHOWN, Lines, LiveTable, Screen
from coupler.embedded import EngineConfig, EngineThread
from coupler.errors import ConfigError
from coupler.settings.loading import Loaded
from coupler.telemetry.logs import TextFormatter, configure

REFRESH_SECONDS = 0.5

Load = Callable[[dict[tuple[str, ...], Any]], Loaded]


@dataclass(slots=True, frozen=True)
class _Session:
    """What runs for as long as the session does."""

    loaded: Loaded
    engine: EngineThread
    paths: Sequence[Path]
    scenario: Scenario
    target: SampleTarget | None
    live: bool


def develop(load: Load, paths: Sequence[Path], *, live: bool) -> int:
    """Runs until SIGINT or SIGTERM, drains, and returns the exit code.

    Args:
        load: reads the settings, with flags that this session adds: the engine's address.
        paths: BPMN files, and folders with them; a folder may hold a ``dev.toml``.
        live: a table in the terminal instead of lines.

    Raises:
        ConfigError: settings, ``dev.toml`` or a plug-in cannot be used.
    """
    scenario = read_scenario(paths)
    first = load({})
    configure(first.settings.log.level, first.settings.log.format)
    for warning in first.warnings:
        logging.getLogger("coupler.settings").warning(warning)
    with ExitStack() as stack:
        engine = started_engine(first.settings.embedded.engine_config())
        stack.callback(engine.stop)
        target = stack.enter_context(SampleTarget()) if scenario.target else None
        loaded = load(_only_here(engine))
        loaded = replace(loaded, environ={**scenario.environ(), **loaded.environ})
        asyncio.run(_run(_Session(loaded, engine, paths, scenario, target, live)))
    return 0


def started_engine(wanted: EngineConfig) -> EngineThread:
    """An engine on the ports that are wanted, or the next free ones.

    Raises:
        ConfigError: it cannot start, and the ports are not the reason.
    """
    while True:
        config = on_free_ports(wanted)
        engine = EngineThread(config, engine_documents(config.db_path))
        try:
            engine.start()
        except ConfigError:
            if on_free_ports(wanted) == config:
                raise
            continue  # somebody was faster: a port that was free is taken now
        return engine


def _only_here(engine: EngineThread) -> dict[tuple[str, ...], Any]:
    """Settings that lead to this session's engine, whatever cluster the environment names."""
    return {
        ("gateway", "grpc_address"): f"http://{engine.grpc_address}",
        ("gateway", "rest_address"): engine.rest_address,
        ("gateway", "prefer_rest"): False,
        ("gateway", "auth", "method"): "none",
        ("gateway", "ca_certificate_path"): None,
        ("gateway", "client_certificate_path"): None,
        ("gateway", "client_key_path"): None,
        ("worker", "tenant_ids"): (),
    }


async def _run(session: _Session) -> None:
    stop = asyncio.Event()
    own_signals(stop)
    runtime = Runtime(session.loaded, engine=EmbeddedView(session.engine), next_free_port=True)
    try:
        await runtime.start()
        deployment = Deployment(session.engine, session.paths)
        await deployment.refresh()
        variables = {"target": session.target.address} if session.target else {}
        starter = Starter(session.engine, session.scenario.instances, variables)
        background = [
            asyncio.create_task(deployment.watch(), name="watch files"),
            asyncio.create_task(starter.run(), name="start instances"),
        ]
        await _show_until(stop, session, runtime)
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
    finally:
        await runtime.stop()


async def _show_until(stop: asyncio.Event, session: _Session, runtime: Runtime) -> None:
    screen = _screen(session, runtime)
    try:
        while not stop.is_set():
            screen.show(await session.engine.view(4 * SHOWN), runtime.running())
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), REFRESH_SECONDS)
    finally:
        _close(screen, session)


def _screen(session: _Session, runtime: Runtime) -> Screen:
    engine, page = session.engine, runtime.admin_address or "off"
    header = [f"Coupler dev · engine {engine.grpc_address} · page {page} · REST API {engine.rest_address}"]
    watching = ", ".join(map(str, session.paths))
    what = f"watching {watching}" if watching else "no BPMN file given: deploy to the engine's address"
    header.append(f"{what} · Ctrl-C ends it")
    if not session.live:
        return Lines(header)
    table = LiveTable(header)
    table.setFormatter(TextFormatter())
    logging.getLogger().handlers[:] = [table]
    return table


def _close(screen: Screen, session: _Session) -> None:
    screen.close()
    if session.live:
        log = session.loaded.settings.log
        configure(log.level, log.format)
