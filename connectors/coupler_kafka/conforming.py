"""From JSON values to what an Avro schema asks for, with the place named where they do not fit.

The rules are those that process models already rely on: a missing field that may be null is null, one with a default
has it, whole numbers serve as fractions, and a fraction loses its decimals where a whole number is asked for. Whether a
field that the schema does not know is an error depends on the strategy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from coupler.sdk import ConnectorError

_INT: Final = (-(2**31), 2**31 - 1)
_LONG: Final = (-(2**63), 2**63 - 1)
_KINDS: Final = {
    type(None): "null",
    bool: "a boolean",
    str: "text",
    list: "a list",
    dict: "an object",
    int: "a number",
    Decimal: "a number",
}


class _Misfit(Exception):
    """A value does not fit; caught where a union tries the next branch."""


class Conforming:
    """One schema.

    Args:
        schema: as ``fastavro.parse_schema`` returns it.
        named: the named types that it filled in.
        refuse_unknown: whether a field that the schema does not know is an error.
    """

    def __init__(self, schema: Any, named: Mapping[str, Any], *, refuse_unknown: bool) -> None:
        self._schema = schema
        self._named = named
        self._refuse_unknown = refuse_unknown
        self._by_type: Mapping[str, Callable[[Any, Any, str], Any]] = {
            "null": self._null,
            "boolean": self._boolean,
            "int": lambda _schema, value, path: _whole(value, path, _INT),
            "long": lambda _schema, value, path: _whole(value, path, _LONG),
            "float": self._fraction,
            "double": self._fraction,
            "string": self._string,
            "bytes": self._bytes,
            "fixed": self._bytes,
            "enum": self._enumeration,
            "array": self._array,
            "map": self._map,
            "record": self._record,
            "error": self._record,
        }

    def datum(self, value: Any) -> Any:
        """What fastavro is given.

        Raises:
            ConnectorError: the value does not fit; the message names the field, never the value.
        """
        try:
            return self._conform(self._schema, value, "")
        except _Misfit as misfit:
            raise ConnectorError(f"The message value does not fit the schema: {misfit}") from misfit
        except RecursionError as error:
            raise ConnectorError("The message value is nested too deeply for its schema") from error

    def _conform(self, schema: Any, value: Any, path: str) -> Any:
        if isinstance(schema, list):
            return self._union(schema, value, path)
        if isinstance(schema, str) and schema in self._named:
            schema = self._named[schema]
        kind = schema if isinstance(schema, str) else schema["type"]
        if not isinstance(kind, str):  # {"type": {…}} around a type
            return self._conform(kind, value, path)
        if kind in self._named and kind not in self._by_type:
            return self._conform(self._named[kind], value, path)
        return self._by_type[kind](schema, value, path)

    def _union(self, branches: list[Any], value: Any, path: str) -> Any:
        """The datum with the name of its branch, so that fastavro does not have to guess."""
        if value is None and "null" in branches:
            return "null", None
        present = [branch for branch in branches if branch != "null"]
        if len(present) == 1:
            return _branch_name(present[0]), self._conform(present[0], value, path)
        for branch in self._best_first(present, value):
            try:
                return _branch_name(branch), self._conform(branch, value, path)
            except _Misfit:
                continue
        raise _Misfit(f"{_place(path)} is {_kind(value)} and fits no type of the union")

    def _best_first(self, branches: list[Any], value: Any) -> list[Any]:
        """For a fraction no whole numbers, and the finer type first; of records, who knows most of the fields."""
        if isinstance(value, Decimal) and value != value.to_integral_value():
            fine = [branch for branch in branches if _branch_name(branch) not in ("int", "long")]
            return sorted(fine, key=lambda branch: _branch_name(branch) == "float")
        if isinstance(value, dict):
            return sorted(branches, key=lambda branch: -self._known_fields(branch, value))
        return branches

    def _known_fields(self, branch: Any, value: Mapping[str, Any]) -> int:
        resolved = self._named.get(branch, branch) if isinstance(branch, str) else branch
        fields = resolved.get("fields", ()) if isinstance(resolved, Mapping) else ()
        return sum(field["name"] in value for field in fields)

    def _record(self, schema: Any, value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise _wanted("an object", value, path)
        datum: dict[str, Any] = {}
        for field in schema["fields"]:
            name = field["name"]
            inner = f"{path}.{name}" if path else name
            if name in value:
                datum[name] = self._conform(field["type"], value[name], inner)
            elif "default" not in field:
                if not _nullable(field["type"]):
                    raise _Misfit(f"{_place(inner)} is missing")
                datum[name] = None
        if self._refuse_unknown:
            known = {field["name"] for field in schema["fields"]}
            unknown = next((name for name in value if name not in known), None)
            if unknown is not None:
                raise _Misfit(f"No field named {unknown[:80]!r} in {schema['name']}")
        return datum

    def _array(self, schema: Any, value: Any, path: str) -> Any:
        if not isinstance(value, list):
            raise _wanted("a list", value, path)
        return [self._conform(schema["items"], item, f"{path}[{index}]") for index, item in enumerate(value)]

    def _map(self, schema: Any, value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise _wanted("an object", value, path)
        return {name: self._conform(schema["values"], item, f"{path}.{name}") for name, item in value.items()}

    def _enumeration(self, schema: Any, value: Any, path: str) -> Any:
        if value not in schema["symbols"]:
            raise _wanted(f"one of {', '.join(schema['symbols'][:10])}", value, path)
        return value

    def _bytes(self, schema: Any, value: Any, path: str) -> Any:
        decimal = isinstance(schema, Mapping) and schema.get("logicalType") == "decimal"
        if not decimal or not _is_number(value):
            raise _wanted("a number" if decimal else "bytes, which JSON has not", value, path)
        exact = Decimal(value)
        scale = schema.get("scale", 0)
        if exact != round(exact, scale) or len(str(abs(int(exact.scaleb(scale))))) > schema["precision"]:
            raise _Misfit(f"{_place(path)} has more digits than precision {schema['precision']}, scale {scale}")
        return exact

    @staticmethod
    def _null(_schema: Any, value: Any, path: str) -> Any:
        if value is not None:
            raise _wanted("null", value, path)

    @staticmethod
    def _boolean(_schema: Any, value: Any, path: str) -> Any:
        if not isinstance(value, bool):
            raise _wanted("a boolean", value, path)
        return value

    @staticmethod
    def _fraction(_schema: Any, value: Any, path: str) -> Any:
        if not _is_number(value):
            raise _wanted("a number", value, path)
        try:
            return float(value)
        except OverflowError as error:
            raise _Misfit(f"{_place(path)} is too large a number") from error

    @staticmethod
    def _string(_schema: Any, value: Any, path: str) -> Any:
        if not isinstance(value, str):
            raise _wanted("text", value, path)
        return value


def _whole(value: Any, path: str, limits: tuple[int, int]) -> int:
    if not _is_number(value):
        raise _wanted("a whole number", value, path)
    if abs(value) > 2**64 or not limits[0] <= int(value) <= limits[1]:
        raise _Misfit(f"{_place(path)} is too large a number")
    return int(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _nullable(schema: Any) -> bool:
    return schema == "null" or (isinstance(schema, list) and "null" in schema)


def _branch_name(branch: Any) -> str:
    """The name of a named type, the type of any other: no union has the same twice."""
    if isinstance(branch, str):
        return branch
    return str(branch["name"] if branch["type"] in ("record", "error", "enum", "fixed") else branch["type"])


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), type(value).__name__)


def _place(path: str) -> str:
    return path or "the value itself"


def _wanted(what: str, value: Any, path: str) -> _Misfit:
    return _Misfit(f"{_place(path)} must be {what}, but is {_kind(value)}")


__all__ = ["Conforming"]
