"""Functions of boolean values and of null."""

from __future__ import annotations

from typing import Any

from coupler.errors import FeelError
from coupler.feel.registry import builtin


@builtin("not(negand: boolean)", "The opposite.")
def _not(negand: bool) -> bool:
    return not negand


@builtin("is defined(value: any)", "Whether the value is not null.", standard=False)
def _is_defined(value: Any) -> bool:
    return value is not None


@builtin("get or else(value: any, default: any)", "The value, or the default when it is null.", standard=False)
def _get_or_else(value: Any, default: Any) -> Any:
    return default if value is None else value


@builtin(
    "assert(value: any, condition: any[, cause: any])",
    "The value; the evaluation fails when the condition is not true.",
    standard=False,
)
def _assert(value: Any, condition: Any, cause: Any = None) -> Any:
    if condition is not True:
        raise FeelError(f"assert: {cause if isinstance(cause, str) else 'the condition is not fulfilled'}")
    return value
