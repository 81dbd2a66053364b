"""The arguments of ``coupler templates …``; the command line of the runtime calls ``register``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

# What the commands do is imported when one is run: the command line of the worker must start without it.

_FOLDER = Path("element-templates")


def register(subparsers: Any) -> argparse.ArgumentParser:
    """Adds the command ``templates``. Each one below it sets ``command``: from the arguments to an exit code."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "templates",
        help="element templates: generate, check, validate, apply",
        description="Element templates: what a modeler shows for a connector, generated from its input model.",
    )
    commands = parser.add_subparsers(dest="templates_command", metavar="COMMAND", required=True)
    _generate(commands)
    _check(commands)
    _validate(commands)
    _apply(commands)
    _show(commands)
    return parser


def _generate(commands: Any) -> None:
    parser = commands.add_parser("generate", help="write the templates of connectors")
    _types(parser, "without any, every connector that has a file in the folder")
    parser.add_argument(
        "--unpublished",
        action="store_true",
        help="overwrite a version that nobody has yet",
    )
    parser.set_defaults(command=_run_generate)


def _check(commands: Any) -> None:
    parser = commands.add_parser("check", help="compare the files with what the connectors say")
    _types(parser, "without any, every file of the folder")
    parser.set_defaults(command=_run_check)


def _types(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("types", nargs="*", metavar="TYPE", help=f"job type or name of a connector; {default}")
    parser.add_argument("--out", type=Path, default=_FOLDER, metavar="DIR", help="the folder (default: %(default)s)")


def _validate(commands: Any) -> None:
    parser = commands.add_parser("validate", help="check template files, of whoever, against the published schema")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--schema", type=Path, metavar="FILE", help="instead of the schema that Coupler brings")
    parser.set_defaults(command=_run_validate)


def _apply(commands: Any) -> None:
    parser = commands.add_parser("apply", help="write a template into an element of a BPMN file")
    parser.add_argument("template", type=Path, metavar="TEMPLATE", help="the template's file")
    parser.add_argument("source", type=Path, metavar="IN.bpmn")
    parser.add_argument("target", type=Path, metavar="OUT.bpmn", help="may be the same file; - is standard output")
    parser.add_argument("--element", required=True, metavar="ID", help="the id of the task")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_pair,
        metavar="NAME=VALUE",
        dest="values",
        help="a property's id, an input or a header, and its value; FEEL starts with '='. May be given many times",
    )
    parser.set_defaults(command=_run_apply)


def _show(commands: Any) -> None:
    parser = commands.add_parser("show", help="print a connector's template, table of inputs or JSON schema")
    parser.add_argument("kind", choices=("template", "table", "schema"))
    parser.add_argument("type", metavar="TYPE", help="job type or name of a connector")
    parser.set_defaults(command=_run_show)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name.strip(), value


def _run_generate(arguments: argparse.Namespace) -> int:
    from coupler.templates import commands

    return commands.generate(arguments.types, arguments.out, unpublished=arguments.unpublished)


def _run_check(arguments: argparse.Namespace) -> int:
    from coupler.templates import commands

    return commands.check(arguments.types, arguments.out)


def _run_validate(arguments: argparse.Namespace) -> int:
    from coupler.templates import commands

    return commands.validate(arguments.files, schema=arguments.schema)


def _run_apply(arguments: argparse.Namespace) -> int:
    from coupler.templates import commands

    return commands.apply(
        arguments.template, arguments.element, dict(arguments.values), arguments.source, arguments.target
    )


def _run_show(arguments: argparse.Namespace) -> int:
    from coupler.templates import commands

    return commands.show(arguments.kind, arguments.type)


__all__ = ["register"]
