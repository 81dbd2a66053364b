"""Connectors with several actions: one method per operation, chosen by a header or by an input.

class Files(Connector):
    type = "example:files:1"
    name = "Files"
    selector = "header:operation"          # or "input:action", or nested: "input:data.action"

    @operation("upload", input=Upload)
    async def upload(self, input, context): ...

    @operation("delete", input=Delete)
    async def delete(self, input, context): ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel

MethodT = TypeVar("MethodT", bound=Callable[..., Any])

_MARK: Final = "__coupler_operation__"


@dataclass(slots=True, frozen=True)
class Operation:
    """One action: its id in process models, its input model, and the name of the method that runs it."""

    id: str
    input: type[BaseModel]
    method: str


def operation(id: str, *, input: type[BaseModel]) -> Callable[[MethodT], MethodT]:  # noqa: A002 - authors' words
    """Marks a method ``(self, input, context)`` as the operation ``id`` with an input model of its own."""

    def mark(method: MethodT) -> MethodT:
        setattr(method, _MARK, Operation(id, input, method.__name__))
        return method

    return mark


def operations_of(owner: type) -> tuple[Operation, ...]:
    """The operations of a class, inherited ones included, in the order in which they were written."""
    found: dict[str, Operation] = {}
    for base in reversed(owner.__mro__):
        for name, value in vars(base).items():
            marked = getattr(value, _MARK, None)
            if isinstance(marked, Operation):
                found[name] = marked
            else:
                found.pop(name, None)  # overridden without the mark: no operation any more
    return tuple(found.values())


__all__ = ["Operation", "operation", "operations_of"]
