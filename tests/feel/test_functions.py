"""Every function of FEEL: by position, by name, and with null for each argument."""

from __future__ import annotations

import pytest

from coupler.feel.nodes import Call
from coupler.feel.parser import parse
from coupler.feel.registry import BUILTINS, Overload
from tests.feel.function_cases import CASES
from tests.feel.outcome import FAILS, outcome


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_functions_give(text: str, expected: str) -> None:
    assert outcome(text) == expected


def calls(node: object) -> list[Call]:
    """All calls in a parsed expression."""
    found = [node] if isinstance(node, Call) else []
    if isinstance(node, tuple):
        for part in node:
            if isinstance(part, tuple):
                found += calls(part)
    return found


def test_every_function_is_tested_by_position_and_by_name() -> None:
    by_position: set[tuple[str, int]] = set()
    by_name: set[tuple[str, frozenset[str]]] = set()
    for text, _ in CASES:
        for call in calls(parse(text)):
            if call.keywords is None:
                by_position.add((call.name, len(call.arguments)))
            else:
                by_name.add((call.name, frozenset(call.keywords)))

    names_by_position = {name for name, _ in by_position}
    literals = {"duration", "time", "date", "date and time"}  # with a text in quotes they are read as literals
    assert set(BUILTINS) - names_by_position - literals == set()
    for name, overloads in BUILTINS.items():
        for overload in overloads:
            if overload.parameters:
                parameters = frozenset(parameter.name for parameter in overload.parameters)
                assert (name, parameters) in by_name, f"{name} is not tested with {sorted(parameters)}"


def nullable() -> list[Overload]:
    return [overload for overloads in BUILTINS.values() for overload in overloads if overload.parameters]


@pytest.mark.parametrize("overload", nullable(), ids=lambda o: f"{o.name}/{len(o.parameters)}")
def test_null_arguments_give_null_or_are_taken(overload: Overload) -> None:
    text = f"{overload.name}({', '.join('null' for _ in overload.parameters)})"
    result = outcome(text)

    if overload.name == "assert":
        assert result == FAILS
    elif overload.name == "is defined":
        assert result == "false"
    elif overload.name in ("concatenate", "union"):
        assert result == "[null]"  # one item that is no list
    elif overload.name == "to json":
        assert result == '"null"'
    else:
        assert result == "null"


@pytest.mark.parametrize("overload", nullable(), ids=lambda o: f"{o.name}/{len(o.parameters)}")
def test_unknown_parameter_names_give_null(overload: Overload) -> None:
    assert outcome(f"{overload.name}(no such parameter: 1)") == "null"


def test_too_many_arguments_give_null() -> None:
    assert outcome("abs(1, 1)") == "null"
    assert outcome("not(true, true)") == "null"
