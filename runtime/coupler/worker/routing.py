"""Which method of a connector a job is for, and the input model that goes with it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from coupler.errors import InputError
from coupler.sdk.connector import Connector


@dataclass(slots=True, frozen=True)
class Target:
    """A method ``(input, context)`` and the model of its input."""

    model: type[BaseModel]
    method: Callable[..., Any]
    is_async: bool


class Routing:
    """Finds the target of a job. A connector without operations has a single one."""

    def __init__(self, connector: Connector[Any]) -> None:
        self._single: Target | None = None
        self._by_id: dict[str, Target] = {}
        place, _, path = connector.selector.partition(":")
        self._in_headers = place == "header"
        self._path = tuple(path.split("."))
        if connector.operations:
            for each in connector.operations:
                self._by_id[each.id] = _target(each.input, getattr(connector, each.method))
        else:
            self._single = _target(connector.Input, connector.execute)

    def target(self, headers: Mapping[str, str], values: Mapping[str, Any]) -> Target:
        """The target for a job with these task headers and decoded variables.

        Raises:
            InputError: no operation is named, or one that does not exist.
        """
        if self._single is not None:
            return self._single
        chosen = headers.get(self._path[0]) if self._in_headers else self._look_up(values)
        if chosen is None or chosen == "":
            raise InputError(self._missing())
        target = self._by_id.get(str(chosen))
        if target is None:
            raise InputError(f"Operation not found: {chosen}. There are: {', '.join(self._by_id)}")
        return target

    def _look_up(self, values: Any) -> Any:
        for name in self._path:
            values = values.get(name) if isinstance(values, Mapping) else None
        return values

    def _missing(self) -> str:
        if self._in_headers:
            return f"Operation ID is missing in the job context custom headers (header '{self._path[0]}')."
        return f"The input '{'.'.join(self._path)}' does not say which operation to run."


def _target(model: type[BaseModel], method: Callable[..., Any]) -> Target:
    return Target(model, method, inspect.iscoroutinefunction(method))
