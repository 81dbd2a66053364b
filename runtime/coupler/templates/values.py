"""The values that an element gets from a template: given, kept or by default, checked against the constraints."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from coupler.errors import ConfigError
from coupler.nearest import did_you_mean
from coupler.templates.conditions import Conditions, described
from coupler.templates.generate import ElementTemplate

Json = dict[str, Any]
BindingKey = tuple[str, str]


def binding_key(binding: Json) -> BindingKey:
    """What a binding writes to: its type and its name, key or property."""
    kind = binding["type"]
    if kind == "zeebe:taskDefinition:type":
        return "zeebe:taskDefinition", "type"
    if kind == "zeebe:output":
        return kind, binding.get("source", "")
    return kind, binding.get("name") or binding.get("key") or binding.get("property") or ""


class Values:
    """The values of one template on one element.

    Args:
        given: by property id, or by the name of an input or the key of a header.
        existing: texts that the element has, by binding; they count where nothing is given.
    """

    def __init__(
        self, template: ElementTemplate, given: Mapping[str, str], existing: Mapping[BindingKey, str] | None = None
    ) -> None:
        self._properties: list[Json] = template["properties"]
        self._by_id = {each["id"]: each for each in self._properties if "id" in each}
        self._given = given
        self._existing = existing or {}
        self._conditions = Conditions(self._by_id, self._value)

    def offered(self) -> list[tuple[Json, str]]:
        """Every property that is offered, with its text; an empty text is no value.

        Raises:
            ConfigError: a name is unknown, a value is not allowed or missing; the text has all that is wrong.
        """
        problems = list(self._misnamed())
        found: list[tuple[Json, str]] = []
        if not problems:
            for each in self._properties:
                if self._conditions.holds_for(each):
                    text = self._text(each)
                    problems += _faults(each, text)
                    found.append((each, text))
            problems += self._unused(found)
        if problems:
            raise ConfigError(" ".join(problems))
        return found

    def _misnamed(self) -> Iterator[str]:
        known = {name for each in self._properties for name in _names(each)}
        for name in self._given:
            if name not in known:
                yield f"The template has no property {name!r}.{did_you_mean(name, known)}"

    def _unused(self, offered: list[tuple[Json, str]]) -> Iterator[str]:
        used = {name for each, _ in offered for name in _names(each)}
        for name in self._given:
            if name not in used:
                conditions = {described(each.get("condition")) for each in self._properties if name in _names(each)}
                yield f"{name!r} is not offered here, but only while {' or '.join(sorted(conditions))}."

    def _raw(self, each: Json) -> Any:
        """What was given, else what the element has, else the default."""
        default = each.get("value")
        if _is_fixed(each):
            return default
        for name in _names(each):
            if name in self._given:
                return self._given[name]
        existing = self._existing.get(binding_key(each["binding"]))
        if existing is not None and _is_choice(each, existing):
            return existing
        return str(uuid.uuid4()) if "generatedValue" in each else default

    def _value(self, each: Json) -> Any:
        """The value that conditions compare with."""
        raw = self._raw(each)
        kind = each.get("type", "String")
        if not isinstance(raw, str) or kind not in ("Boolean", "Number"):
            return raw
        text = raw.removeprefix("=").strip()
        if kind == "Boolean":
            return {"true": True, "false": False}.get(text, raw)
        try:
            return float(Decimal(text))
        except InvalidOperation:
            return raw

    def _text(self, each: Json) -> str:
        """The text that is written into the model."""
        raw = self._raw(each)
        if raw is None:
            return ""
        text = str(raw).lower() if isinstance(raw, bool) else str(raw)
        return f"={text}" if text and _is_feel(each) and not text.startswith("=") else text


def _is_fixed(each: Json) -> bool:
    """Whether the template alone decides. What is hidden and has no value is for those who edit the document."""
    return each.get("type") == "Hidden" and "value" in each


def _names(each: Json) -> tuple[str, ...]:
    """The names by which a value may be given."""
    if _is_fixed(each):
        return ()
    kind, name = binding_key(each["binding"])
    return (each["id"], name) if "id" in each and kind != "zeebe:taskDefinition" else (each.get("id", name),)


def _is_feel(each: Json) -> bool:
    """Whether the value is always an expression. Numbers and booleans in inputs are, also where nothing is said."""
    mode = each.get("feel")
    if mode is None and each.get("type") in ("Boolean", "Number"):
        return bool(each["binding"]["type"] in ("zeebe:input", "zeebe:output"))
    return mode in ("required", "static")


def _is_choice(each: Json, text: str) -> bool:
    return "choices" not in each or any(choice["value"] == text for choice in each["choices"])


def _faults(each: Json, text: str) -> Iterator[str]:
    constraints = each.get("constraints", {})
    name = each.get("id") or each.get("label")
    if not text:
        if constraints.get("notEmpty"):
            yield f"{name!r} needs a value."
        return
    if _NOT_IN_XML.search(text):
        yield f"{name!r} has a character that XML does not allow."
    if not _is_choice(each, text):
        yield f"{name!r} must be one of {', '.join(choice['value'] for choice in each['choices'])}, not {text!r}."
    if not text.startswith("="):
        yield from _text_faults(name, text, constraints)
    elif each.get("type") in ("Number", "Boolean"):
        yield from _literal_faults(name, text[1:], each, constraints)


def _text_faults(name: str | None, text: str, constraints: Json) -> Iterator[str]:
    if len(text) < constraints.get("minLength", 0):
        yield f"{name!r} must have at least {constraints['minLength']} characters."
    if len(text) > constraints.get("maxLength", len(text)):
        yield f"{name!r} may have at most {constraints['maxLength']} characters."
    pattern = constraints.get("pattern")
    if pattern is None:
        return
    rule = pattern if isinstance(pattern, str) else pattern["value"]
    if not re.search(rule, text):
        message = "" if isinstance(pattern, str) else f": {pattern.get('message', '')}"
        yield f"{name!r} does not match {rule!r}{message}."


_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LITERALS: Final = {"Boolean": re.compile(r"true|false"), "Number": re.compile(r"-?\d+(\.\d+)?")}


def _literal_faults(name: str | None, text: str, each: Json, constraints: Json) -> Iterator[str]:
    """Numbers and booleans are written as expressions but typed as literals, unless the template says otherwise."""
    if each.get("feel") in ("optional", "required"):
        return
    if not _LITERALS[each["type"]].fullmatch(text):
        yield f"{name!r} must be a {each['type'].lower()}, not {text!r}."
    else:
        yield from _text_faults(name, text, constraints)


__all__ = ["BindingKey", "Values", "binding_key"]
