"""The functions of FEEL. Adding one is writing one Python function under a signature::

    @builtin("substring(string: string, start position: number[, length: number])", "Part of a text.")
    def substring(text, start, length=None): ...

A signature says how the function is called by position and by name, and which values it takes: an argument of
another type makes the result null, so the function itself sees only what it asked for. ``type?`` also takes null,
``type...`` collects all further arguments (or takes one list), brackets hold parameters that may be left out. A first
Python parameter ``run`` receives the evaluation, to charge its budget.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from coupler.errors import FeelError
from coupler.feel.temporal import Date, DateTime, DaysDuration, MonthsDuration, Time
from coupler.feel.values import Function, Range, number, type_name

_NUMBER: Final = frozenset((int, Decimal))
_TYPES: Final[Mapping[str, frozenset[type] | None]] = {
    "any": None,
    "number": _NUMBER,
    "string": frozenset((str,)),
    "boolean": frozenset((bool,)),
    "list": frozenset((list,)),
    "context": frozenset((dict,)),
    "function": frozenset((Function,)),
    "range": frozenset((Range,)),
    "date": frozenset((Date,)),
    "time": frozenset((Time,)),
    "date and time": frozenset((DateTime,)),
    "days and time duration": frozenset((DaysDuration,)),
    "years and months duration": frozenset((MonthsDuration,)),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a signature; ``types`` is None when any value will do."""

    name: str
    type_text: str
    types: frozenset[type] | None


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as written, and what is said of it in the documentation."""

    text: str
    name: str
    parameters: tuple[Parameter, ...]
    required: int
    collects: bool
    summary: str
    group: str
    standard: bool


@dataclass(frozen=True, slots=True)
class Overload:
    """A function for one number of parameters."""

    name: str
    parameters: tuple[Parameter, ...]
    collects: bool
    implementation: Callable[..., Any]
    wants_run: bool
    strict: bool

    def takes(self, count: int) -> bool:
        """Whether it can be called with so many arguments by position."""
        size = len(self.parameters)
        return count == size or (self.collects and count > size)

    def takes_names(self, names: Iterable[str]) -> bool:
        """Whether it can be called with these names."""
        return {parameter.name for parameter in self.parameters}.issuperset(names)


class Registry(dict[str, tuple[Overload, ...]]):
    """Functions by name; a mapping to the overloads in the order in which they are tried."""

    def __init__(self, group: str = "", *, strict: bool = False) -> None:
        super().__init__()
        self.group = group
        self.strict = strict
        self.signatures: list[Signature] = []

    def add(
        self, text: str, summary: str, *, standard: bool = True, group: str = ""
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Registers the function below under the signature ``text``."""
        signature = _read_signature(text, summary, group or self.group, standard=standard)

        def register(implementation: Callable[..., Any]) -> Callable[..., Any]:
            wants_run = next(iter(inspect.signature(implementation).parameters), "") == "run"
            self.signatures.append(signature)
            for size in range(signature.required, len(signature.parameters) + 1):
                overload = Overload(
                    signature.name,
                    signature.parameters[:size],
                    signature.collects and size == len(signature.parameters),
                    implementation,
                    wants_run,
                    self.strict,
                )
                self[signature.name] = (*self.get(signature.name, ()), overload)
            return implementation

        return register


_SIGNATURE = re.compile(r"(?P<name>[^(]+)\((?P<required>[^\[]*)(?P<optional>\[.*\])?\)")


def _read_signature(text: str, summary: str, group: str, *, standard: bool) -> Signature:
    found = _SIGNATURE.fullmatch(text)
    assert found is not None, text
    required = _read_parameters(found["required"])
    optional = _read_parameters((found["optional"] or "").replace("[", "").replace("]", ""))
    parameters = required + optional
    collects = bool(parameters) and parameters[-1].type_text.endswith("...")
    return Signature(text, found["name"], parameters, len(required), collects, summary, group, standard)


def _read_parameters(text: str) -> tuple[Parameter, ...]:
    parameters = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, type_text = (piece.strip() for piece in part.split(":"))
        parameters.append(Parameter(name, type_text, _read_types(type_text)))
    return tuple(parameters)


def _read_types(text: str) -> frozenset[type] | None:
    if text.endswith("..."):
        return _TYPES["list"]
    types: set[type] = set()
    for name in text.removesuffix("?").split(" | "):
        found = _TYPES[name]
        if found is None:
            return None
        types |= found
    return frozenset(types | {type(None)}) if text.endswith("?") else frozenset(types)


def fitting(overload: Overload, values: list[Any]) -> str | None:
    """Makes ``values`` fit the parameters, in place; what does not fit is said in words."""
    for index, parameter in enumerate(overload.parameters):
        value = values[index]
        types = parameter.types
        if types is None or type(value) in types:
            continue
        if type(value) is float and types >= _NUMBER:
            values[index] = number(value)
            continue
        message = (
            f"{overload.name}: '{parameter.name}' is {type_name(value)}, not {parameter.type_text.removesuffix('?')}"
        )
        if overload.strict:
            raise FeelError(message)
        return message
    return None


BUILTINS: Final = Registry()


def builtin(text: str, summary: str, *, standard: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds a function to FEEL; ``standard`` is False for what feel-scala adds to the DMN standard."""

    def register(implementation: Callable[..., Any]) -> Callable[..., Any]:
        group = implementation.__module__.rsplit(".", 1)[-1]
        return BUILTINS.add(text, summary, standard=standard, group=group)(implementation)

    return register


__all__ = ["BUILTINS", "Overload", "Parameter", "Registry", "Signature", "builtin", "fitting"]
