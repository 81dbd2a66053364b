"""Variables as FEEL sees them, decoded only when an expression asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from coupler import json
from coupler.embedded.bpmn.expression import Expression
from coupler.embedded.interpreter.problem import IncidentType, Problem
from coupler.embedded.store.variables import Variables
from coupler.errors import FeelError


class Visible(Mapping[str, Any]):
    """The variables that an element sees, with ``extra`` names in front of them."""

    def __init__(self, variables: Variables, path: Sequence[int], extra: Mapping[str, Any] | None = None) -> None:
        self._variables = variables
        self._path = path
        self._decoded: dict[str, Any] = dict(extra) if extra else {}

    def __getitem__(self, name: str) -> Any:
        try:
            return self._decoded[name]
        except KeyError:
            raw = self._variables.get(self._path, name)
            if raw is None:
                raise
            value = self._decoded[name] = json.loads(raw)
            return value

    def __contains__(self, name: object) -> bool:
        try:
            self[str(name)]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables.names(self._path) | self._decoded.keys())

    def __len__(self) -> int:
        return len(self._variables.names(self._path) | self._decoded.keys())

    def put(self, name: str, value: Any) -> None:
        """Adds a name for the expressions that follow."""
        self._decoded[name] = value


def evaluate(expression: Expression, context: Mapping[str, Any], type_: IncidentType) -> Any:
    """Evaluates; a failure becomes an incident of the given type.

    Raises:
        Problem: the evaluation fails.
    """
    try:
        return expression.evaluate(context)
    except FeelError as error:
        raise Problem(type_, f"Failed to evaluate expression '{expression.text}': {error}") from error


def type_name(value: Any) -> str:
    """The FEEL type of a value, as incident messages name it."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "BOOLEAN"
        case int() | Decimal() | float():
            return "NUMBER"
        case str():
            return "STRING"
        case Mapping():
            return "CONTEXT"
        case _:
            return "ARRAY"


def expected(expression: Expression, wanted: str, value: Any) -> Problem:
    """The problem of an expression whose value has the wrong type."""
    return Problem(
        IncidentType.EXTRACT_VALUE_ERROR,
        f"Expected result of the expression '{expression.text}' to be '{wanted}', but was '{type_name(value)}'.",
    )
