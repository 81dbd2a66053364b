"""Whether a property of a template is offered, given the values of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from coupler.errors import ConfigError

Json = dict[str, Any]


class Conditions:
    """Evaluates the conditions of one template.

    A property that is not offered has no value, so that what depends on its value is not offered either.
    """

    def __init__(self, properties: Mapping[str, Json], value_of: Callable[[Json], Any]) -> None:
        self._properties = properties
        self._value_of = value_of
        self._known: dict[int, bool] = {}

    def holds_for(self, each: Json) -> bool:
        """Whether a property is offered.

        Raises:
            ConfigError: conditions depend on each other in a circle, or on a property that does not exist.
        """
        key = id(each)
        if key not in self._known:
            self._known[key] = False
            self._known[key] = self.holds(each.get("condition"))
        return self._known[key]

    def holds(self, condition: Json | None) -> bool:
        """Whether a condition holds; no condition always does."""
        if condition is None:
            return True
        if "allMatch" in condition:
            return all(self.holds(part) for part in condition["allMatch"])
        other = self._properties.get(condition["property"])
        if other is None:
            raise ConfigError(
                f"A condition names the property {condition['property']!r}, which the template does not have."
            )
        return self._simple(condition, other)

    def _simple(self, condition: Json, other: Json) -> bool:
        offered = self.holds_for(other)
        if "isActive" in condition:
            return offered is bool(condition["isActive"])
        value = self._value_of(other) if offered else None
        if "isEmpty" in condition:
            return (value in (None, "")) is bool(condition["isEmpty"])
        if "oneOf" in condition:
            return value in condition["oneOf"]
        return value is not None and value == condition.get("equals")


def described(condition: Json | None) -> str:
    """A condition in words, for tables and error texts."""
    if condition is None:
        return ""
    if "allMatch" in condition:
        return " and ".join(described(part) for part in condition["allMatch"])
    name = condition["property"]
    if "isActive" in condition:
        return f"{name} is {'' if condition['isActive'] else 'not '}offered"
    if "isEmpty" in condition:
        return f"{name} is {'' if condition['isEmpty'] else 'not '}empty"
    if "oneOf" in condition:
        return f"{name} is one of {', '.join(str(value) for value in condition['oneOf'])}"
    value = condition.get("equals")
    return f"{name} is {str(value).lower() if isinstance(value, bool) else value}"


__all__ = ["Conditions", "described"]
