"""One function a command: settings from the options, one call, an exit code."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coupler.errors import ConfigError

if TYPE_CHECKING:
    from coupler.settings import Loaded

_FLAGS = {
    "grpc_address": ("gateway", "grpc_address"),
    "db": ("embedded", "db"),
    "grpc_port": ("embedded", "port"),
    "rest_port": ("embedded", "rest_port"),
}


def run(options: Namespace) -> int:
    """``coupler run``."""
    gc.disable()  # a tenth of the start; the runtime turns it on again once it has started
    from coupler.app import Runtime, run_until_signalled

    loaded = load(options)
    start_logs(loaded)
    asyncio.run(run_until_signalled(Runtime(loaded)))
    return 0


def engine(options: Namespace) -> int:
    """``coupler engine``."""
    from coupler.app.engine_documents import engine_documents
    from coupler.embedded.process import run as serve

    loaded = load(options)
    start_logs(loaded)
    config = loaded.settings.embedded.engine_config()
    return serve(config, paths(options.files), engine_documents(config.db_path))


def dev(options: Namespace) -> int:
    """``coupler dev``."""
    from coupler.dev.session import develop

    return develop(lambda flags: load(options, flags), paths(options.files), live=_is_terminal(options))


def execute(options: Namespace) -> int:
    """``coupler execute``."""
    from coupler.execute import execute_once

    loaded = load(options)
    start_logs(loaded)
    text = sys.stdin.read() if options.job == "-" else _read(Path(options.job))
    code, command = asyncio.run(execute_once(loaded, options.type, text))
    sys.stdout.write(command + "\n")
    return code


def connectors_list(options: Namespace) -> int:
    """``coupler connectors list``."""
    from coupler.app.wiring import make_registry
    from coupler.cli.listing import connectors

    sys.stdout.write(connectors(make_registry(load(options)).all(), as_json=options.json))
    return 0


def config_show(options: Namespace) -> int:
    """``coupler config show``."""
    from coupler.cli.listing import settings
    from coupler.settings.show import rows

    loaded = load(options)
    shown = [row for row in rows(loaded) if not options.changed or row.origin != "default"]
    sys.stdout.write(settings(shown, as_json=options.json))
    for warning in loaded.warnings:
        sys.stderr.write(f"coupler: {warning}\n")
    return 0


def healthcheck(options: Namespace) -> int:
    """``coupler healthcheck``: 0 when the answer is 200, else 1."""
    from coupler.cli.health import ask, only_environment

    url = options.url or os.environ.get("HEALTHCHECK_URL")
    if not url:
        # Asked every few seconds in a container: reading all settings would cost more than the question.
        host, port = only_environment(options, os.environ, Path.cwd()) or _admin(options)
        url = f"http://{_reachable(host)}:{port}/health/{'live' if options.live else 'ready'}"
    healthy, text = ask(url)
    sys.stdout.write(f"{url}: {text}\n")
    return 0 if healthy else 1


def feel(options: Namespace) -> int:
    """``coupler feel``."""
    from coupler.expressions import FUNCTIONS
    from coupler.feel.explain import run as run_feel

    return run_feel(options.expression, options.context, options.explain, FUNCTIONS)


def version(options: Namespace) -> int:
    """``coupler version``."""
    from coupler.cli.listing import versions

    sys.stdout.write(versions())
    return 0


def load(options: Namespace, more: dict[tuple[str, ...], Any] | None = None) -> Loaded:
    """The settings that the options ask for."""
    from coupler.settings import Sources
    from coupler.settings import load as load_sources

    flags = {**(more or {}), **_flags(options)}
    return load_sources(Sources(config_file=options.config, env_file=options.env_file, flags=flags))


def start_logs(loaded: Loaded) -> None:
    """Logs as configured, and the warnings that loading the settings gave."""
    import logging

    from coupler.telemetry.logs import configure

    configure(loaded.settings.log.level, loaded.settings.log.format)
    for warning in loaded.warnings:
        logging.getLogger("coupler.settings").warning(warning)


def paths(texts: list[str]) -> list[Path]:
    """Files and folders that must be there.

    Raises:
        ConfigError: one is not.
    """
    found = [Path(text) for text in texts]
    for path in found:
        if not path.exists():
            raise ConfigError(f"There is no file or folder {path}.")
    return found


def _flags(options: Namespace) -> dict[tuple[str, ...], Any]:
    from coupler.settings.sources import assigned

    flags: dict[tuple[str, ...], Any] = dict(assigned(text) for text in options.set)
    for option, path in _FLAGS.items():
        if getattr(options, option, None) is not None:
            flags[path] = getattr(options, option)
    return flags


def _admin(options: Namespace) -> tuple[str, str]:
    admin = load(options).settings.admin
    return admin.host, str(admin.port)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The job file {path} cannot be read: {error}.") from error


def _is_terminal(options: Namespace) -> bool:
    return sys.stdout.isatty() and not options.plain


def _reachable(host: str) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{host}]" if ":" in host else host
