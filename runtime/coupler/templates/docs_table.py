"""A connector's inputs as a Markdown table, for its documentation page."""

from __future__ import annotations

from typing import Any

from coupler.templates.conditions import described
from coupler.templates.generate import ElementTemplate

Json = dict[str, Any]

_HEADER = "| input | label | type | value | when |\n|---|---|---|---|---|"


def docs_table(template: ElementTemplate) -> str:
    """The inputs of a template, in the order of the panel; headers, retries and hidden helpers are left out."""
    rows = [_row(each) for each in template["properties"] if each["binding"]["type"] == "zeebe:input"]
    return "\n".join([_HEADER, *rows]) + "\n"


def _row(each: Json) -> str:
    cells = (
        f"`{each['binding']['name']}`",
        each.get("label", ""),
        _type(each),
        _value(each),
        described(each.get("condition")),
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in cells)} |"


def _type(each: Json) -> str:
    if "choices" in each:
        return "one of " + ", ".join(f"`{choice['value']}`" for choice in each["choices"])
    kinds = {"String": "text", "Text": "text", "Number": "number", "Boolean": "boolean", "Configuration": "credential"}
    kind = kinds.get(each["type"], "set by the template")
    return "FEEL" if each.get("feel") == "required" else kind


def _value(each: Json) -> str:
    value = each.get("value")
    if value is not None:
        return f"`{str(value).lower() if isinstance(value, bool) else value}`"
    return "required" if each.get("constraints", {}).get("notEmpty") else ""


__all__ = ["docs_table"]
