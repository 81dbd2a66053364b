"""The commands, without their arguments' parsing: each prints what it finds and returns the exit code.

Nothing that is wrong is raised from here, so that a command line ends with a sentence and never with a traceback.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import ParamSpec

from coupler.errors import ConfigError
from coupler.templates.apply import apply as apply_template
from coupler.templates.discovery import Templated, job_types, templated
from coupler.templates.docs_table import docs_table
from coupler.templates.files import Rendered, read_template
from coupler.templates.generate import ElementTemplate, input_model
from coupler.templates.generate import generate as generate_template
from coupler.templates.lint import lint
from coupler.templates.validate import SCHEMA_FILE, SchemaUnavailable, validator

P = ParamSpec("P")

DEFAULT_FOLDER = Path("element-templates")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _ends_with_a_sentence(command: Callable[P, int]) -> Callable[P, int]:
    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return command(*args, **kwargs)
        except ConfigError as error:
            sys.stderr.write(f"{error}\n")
            return 1

    return run


@_ends_with_a_sentence
def generate(
    types: Sequence[str] = (),
    out: Path = DEFAULT_FOLDER,
    *,
    unpublished: bool = False,
    plugins: Iterable[EntryPoint] | None = None,
) -> int:
    """Writes the templates of the connectors that are named, or of all that have a file in the folder already.

    Args:
        types: job types or names of entry points.
        unpublished: nobody has the versions that are there; they may be overwritten.
    """
    found = templated(types, plugins)
    if not types:
        found = [each for each in found if _is_here(each, out)]
    if not found:
        _say(f"No connector has a file in {out} yet. Name the connectors whose templates are wanted.")
        return 1
    for each in found:
        written = Rendered.of(each).write(out, unpublished=unpublished)
        _say("\n".join(f"wrote {file}" for file in written) or f"{each.file}: nothing to change")
    return 0


@_ends_with_a_sentence
def check(types: Sequence[str] = (), out: Path = DEFAULT_FOLDER, *, plugins: Iterable[EntryPoint] | None = None) -> int:
    """Compares the committed files with what the connectors say, and looks for mistakes. 1 where there are any.

    Without ``types`` every file of the folder is checked, and connectors without a file are named.
    """
    found = templated(types, plugins)
    problems: list[str] = []
    for each in found:
        if not types and not _is_here(each, out):
            _say(f"No file in {out} for the connector {each.plugin!r}: coupler templates generate {each.plugin}")
            continue
        rendered = Rendered.of(each)
        problems += rendered.drift(out)
        known = {each.connector.type}
        model = input_model(each.connector)
        problems += (f"{each.file}: {text}" for text in lint(rendered.template, model=model, known_types=known))
    if not types:
        problems += _orphans(found, out)
    for problem in problems:
        _say(problem)
    if not problems:
        _say(f"{len(found)} templates are as the connectors say.")
    return 1 if problems else 0


def _is_here(each: Templated, folder: Path) -> bool:
    return (folder / f"{each.file}.json").exists()


def _orphans(found: Iterable[Templated], folder: Path) -> Iterator[str]:
    known = {each.file for each in found}
    for file in sorted(folder.glob("*.json")):
        if file.stem not in known:
            yield f"{file} belongs to no connector that is installed."


@_ends_with_a_sentence
def validate(files: Sequence[Path], *, schema: Path | None = None, plugins: Iterable[EntryPoint] | None = None) -> int:
    """Checks template files, of whoever, against the published schema and for mistakes that it does not see.

    An unknown job type is only mentioned: another worker may serve it. 1 where a file has mistakes.
    """
    served = job_types(plugins)
    try:
        faults = validator(schema or SCHEMA_FILE)
    except SchemaUnavailable as error:
        sys.stderr.write(f"{error}\n")
        faults = None
    wrong = 0
    for file in files:
        template = read_template(file)
        problems = list(_problems(template, faults))
        wrong += bool(problems)
        _say(f"{file}: {'not valid' if problems else 'valid'}")
        for problem in problems:
            _say(f"  {problem}")
        for note in _notes(template, served):
            _say(f"  note: {note}")
    return 1 if wrong else 0


def _problems(template: ElementTemplate, faults: Callable[[ElementTemplate], list[str]] | None) -> Iterator[str]:
    found = faults(template) if faults is not None else []
    yield from found
    if not found:
        yield from _misshapen(template) or lint(template)


def _misshapen(template: ElementTemplate) -> list[str]:
    """What must be right before anything else can be looked at; the schema says the same when it is checked."""
    missing = [key for key in ("id", "properties", "appliesTo") if key not in template]
    if missing:
        return [f"The template has no {', '.join(missing)}."]
    properties = template["properties"]
    shaped = isinstance(properties, list) and all(
        isinstance(each, dict) and isinstance(each.get("binding"), dict) and "type" in each["binding"]
        for each in properties
    )
    return [] if shaped else ["Every property must be an object with a binding that has a type."]


def _notes(template: ElementTemplate, served: set[str]) -> Iterator[str]:
    types = [
        each.get("value")
        for each in template.get("properties", [])
        if each.get("binding", {}).get("type") == "zeebe:taskDefinition" and each["binding"].get("property") == "type"
    ]
    yield from (f"no connector here serves the job type {found!r}" for found in types if found not in served)


@_ends_with_a_sentence
def apply(template: Path, element: str, values: Mapping[str, str], source: Path, target: Path) -> int:
    """Writes a template into an element of a BPMN file. ``target`` may be ``source``; ``-`` is standard output."""
    try:
        document = source.read_bytes()
    except OSError as error:
        raise ConfigError(f"The process model {source} cannot be read: {error.strerror}.") from error
    found = read_template(template)
    for problem in _misshapen(found):
        raise ConfigError(f"{template}: {problem}")
    written = apply_template(found, document, element, values)
    if str(target) == "-":
        sys.stdout.write(written.decode())
    else:
        target.write_bytes(written)
    return 0


@_ends_with_a_sentence
def show(kind: str, what: str, *, plugins: Iterable[EntryPoint] | None = None) -> int:
    """Prints a connector's ``template``, the ``table`` of its inputs, or the JSON ``schema`` of its input model."""
    connector = templated([what], plugins)[0].connector
    if kind == "table":
        _say(docs_table(generate_template(connector)).rstrip())
    elif kind == "schema":
        _say(json.dumps(input_model(connector).model_json_schema(by_alias=True), indent=2))
    else:
        _say(json.dumps(generate_template(connector), indent=2, ensure_ascii=False))
    return 0


__all__ = ["DEFAULT_FOLDER", "apply", "check", "generate", "show", "validate"]
