"""Commands and their options."""

from __future__ import annotations

import argparse
from typing import Any

from coupler import __version__
from coupler.cli import commands
from coupler.templates import cli as templates


def parser() -> argparse.ArgumentParser:
    """The whole grammar of the command line."""
    top = argparse.ArgumentParser("coupler", description="A connectors runtime for Camunda 8 and Zeebe.")
    top.add_argument("--version", action="version", version=f"coupler {__version__}")
    subcommands = top.add_subparsers(metavar="COMMAND", required=True)
    shared = _shared()
    _runs(subcommands, shared)
    _looks(subcommands, shared)
    return top


def _shared() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    sources = shared.add_argument_group("settings")
    sources.add_argument("--config", metavar="FILE", help="TOML or YAML file; default coupler.toml, if there is one")
    sources.add_argument("--env-file", metavar="FILE", help="variables; default .env, if there is one; '' for none")
    sources.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="one setting, such as worker.max_jobs_active=5"
    )
    return shared


def _runs(subcommands: Any, shared: argparse.ArgumentParser) -> None:
    run = _add(subcommands, shared, "run", commands.run, "serve the jobs of a cluster until SIGTERM")
    run.add_argument("--grpc-address", metavar="URL", help="gateway of the cluster, such as http://localhost:26500")

    engine = _add(subcommands, shared, "engine", commands.engine, "run the embedded engine as a process of its own")
    _engine_options(engine)

    dev = _add(subcommands, shared, "dev", commands.dev, "engine, worker and page in one process, for a laptop")
    _engine_options(dev)
    dev.add_argument("--plain", action="store_true", help="lines instead of a live table")

    execute = _add(subcommands, shared, "execute", commands.execute, "run one job without an engine")
    execute.add_argument("type", metavar="TYPE", help="job type, such as io.camunda:http-json:1")
    execute.add_argument(
        "job", metavar="JOB.JSON", help='{"variables": {}, "customHeaders": {}, "retries": 3}; - is standard input'
    )


def _looks(subcommands: Any, shared: argparse.ArgumentParser) -> None:
    connectors = subcommands.add_parser("connectors", help="what is installed").add_subparsers(required=True)
    _json(_add(connectors, shared, "list", commands.connectors_list, "job types, and where they come from"))

    config = subcommands.add_parser("config", help="what is set").add_subparsers(required=True)
    show = _add(config, shared, "show", commands.config_show, "every setting, its value and where it came from")
    show.add_argument("--changed", action="store_true", help="only what differs from the defaults")
    _json(show)

    health = _add(subcommands, shared, "healthcheck", commands.healthcheck, "ask a runtime on this machine how it is")
    health.add_argument("--url", help="what to ask; default: /health/ready of the configured admin server")
    health.add_argument("--live", action="store_true", help="ask /health/live instead")

    feel = subcommands.add_parser("feel", help="evaluate a FEEL expression")
    feel.add_argument("expression", metavar="EXPRESSION", help="with or without the leading =")
    feel.add_argument("--context", metavar="FILE", help="a JSON object with the variables; - is standard input")
    feel.add_argument("--explain", action="store_true", help="type, steps, and what feel-scala would refuse")
    feel.set_defaults(command=commands.feel)

    templates.register(subcommands)

    version = subcommands.add_parser("version", help="versions of Coupler, Python and its libraries")
    version.set_defaults(command=commands.version)


def _add(
    subcommands: Any, shared: argparse.ArgumentParser, name: str, command: Any, text: str
) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = subcommands.add_parser(name, parents=[shared], help=text, description=text)
    added.set_defaults(command=command)
    return added


def _engine_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("files", metavar="FILE", nargs="*", help="BPMN files, or folders with them, to deploy")
    command.add_argument("--db", metavar="FILE", help="database file; without one the state is lost with the process")
    command.add_argument("--grpc-port", metavar="PORT", help="default 26500; 0 for any free one")
    command.add_argument("--rest-port", metavar="PORT", help="default 8088; 0 for any free one")


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="as JSON")
