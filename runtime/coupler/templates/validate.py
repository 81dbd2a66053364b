"""A template against the published JSON schema, which modelers use too."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from coupler.errors import ConfigError
from coupler.templates.generate import ElementTemplate

SCHEMA_FILE: Final = Path(__file__).with_name("schema") / "zeebe-element-templates-0.46.0.json"

Validator = Callable[[ElementTemplate], list[str]]


class SchemaUnavailable(ConfigError):
    """The package that checks schemas is not installed."""


@cache
def validator(schema: Path = SCHEMA_FILE) -> Validator:
    """A function that says what is wrong with a template.

    Raises:
        SchemaUnavailable: ``jsonschema-rs`` is not installed.
        ConfigError: the schema cannot be read.
    """
    try:
        import jsonschema_rs  # an optional package, and only this command needs it
    except ImportError as error:
        raise SchemaUnavailable(
            "The JSON schema was not checked: jsonschema-rs is not installed; pip install jsonschema-rs brings it."
        ) from error
    try:
        definition: dict[str, Any] = json.loads(schema.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"The schema {schema} cannot be read: {error}.") from error
    # The whole schema also accepts a list of templates; without that alternative the messages are about the template.
    definition.pop("oneOf", None)
    definition["allOf"] = [{"$ref": "#/definitions/template"}]
    compiled = jsonschema_rs.Draft7Validator(definition)

    def faults(template: ElementTemplate) -> list[str]:
        return [
            f"{'/'.join(str(part) for part in error.instance_path) or 'template'}: {_short(error.message)}"
            for error in compiled.iter_errors(template)
        ]

    return faults


def _short(message: str) -> str:
    """Messages quote the value they are about; a whole template or icon would drown the rest."""
    return message if len(message) <= 300 else f"{message[:120]} … {message[-170:]}"


__all__ = ["SCHEMA_FILE", "SchemaUnavailable", "validator"]
