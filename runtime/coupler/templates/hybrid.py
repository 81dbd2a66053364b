"""The hybrid variant of a template: the same, with a job type that the person who models can choose.

It lets a worker of one's own serve a part of the tasks under another job type.
"""

from __future__ import annotations

from typing import Any, Final

from coupler.errors import ConfigError
from coupler.templates.generate import ElementTemplate

_GROUP: Final = "taskDefinitionType"


def hybrid(template: ElementTemplate) -> ElementTemplate:
    """The hybrid variant.

    Raises:
        ConfigError: the template sets no job type.
    """
    variant = dict(template)
    variant["id"] = f"{template['id']}-hybrid"
    variant["name"] = f"Hybrid {template['name']}"
    variant["groups"] = [{"id": _GROUP, "label": "Task definition type"}, *template["groups"]]
    variant["properties"] = [_variant_of(each, variant["id"]) for each in template["properties"]]
    if variant["properties"] == template["properties"]:
        raise ConfigError(f"The template {template['id']!r} sets no job type, so that it can have no hybrid variant.")
    return variant


def _variant_of(each: dict[str, Any], template_id: str) -> dict[str, Any]:
    match each["binding"]:
        case {"type": "zeebe:taskDefinition", "property": "type"}:
            return {
                "id": _GROUP,
                "label": "Job type",
                "description": "The job type that the worker serves",
                "group": _GROUP,
                "type": "String",
                "value": each["value"],
                "constraints": {"notEmpty": True},
                "binding": each["binding"],
            }
        case {"type": "zeebe:taskHeader", "key": "elementTemplateId"}:
            return each | {"value": template_id}
        case _:
            return each


__all__ = ["hybrid"]
