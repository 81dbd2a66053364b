"""Evaluation beside an event loop: a little on the loop, anything longer from scratch in a thread of its own pool."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Final

from coupler.feel.expression import Expression, Functions
from coupler.feel.expression import compile as compile_expression
from coupler.feel.jsonable import to_json
from coupler.feel.limits import DEFAULT, LimitExceeded, Limits

_THREADS: Final = 2
_LONG_TEXT: Final = 4_000  # characters, read in some 3 ms

Warnings = list[tuple[int, str]]


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    # Two: evaluation is bound by the interpreter, more threads would only share it.
    return ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="feel")


async def evaluate_async(
    expression: Expression,
    context: Mapping[str, Any],
    functions: Functions | None = None,
    limits: Limits | None = None,
    warnings: Warnings | None = None,
) -> Any:
    """As ``Expression.evaluate``, without holding up the event loop for more than about 10 ms."""

    def evaluate(budget: Limits) -> Any:
        return expression.evaluate(context, functions, budget, warnings)

    return await _on_loop_or_in_thread(evaluate, limits or DEFAULT, warnings)


async def evaluate_json(
    text: str,
    context: Mapping[str, Any],
    functions: Functions | None = None,
    limits: Limits | None = None,
    warnings: Warnings | None = None,
) -> Any:
    """Reads ``text``, evaluates it and makes plain Python for JSON of the value; none of it holds up the event loop.

    Raises:
        FeelError: as ``compile``, ``Expression.evaluate`` and ``to_json``.
    """

    def evaluate(budget: Limits) -> Any:
        return to_json(
            compile_expression(text, limits or DEFAULT).evaluate(context, functions, budget, warnings), budget
        )

    if len(text) > _LONG_TEXT:
        return await _in_thread(evaluate, limits or DEFAULT)
    return await _on_loop_or_in_thread(evaluate, limits or DEFAULT, warnings)


async def _on_loop_or_in_thread(evaluate: Callable[[Limits], Any], limits: Limits, warnings: Warnings | None) -> Any:
    short = limits.on_loop()
    try:
        return evaluate(short)
    except LimitExceeded as error:
        if getattr(short, error.limit) == getattr(limits, error.limit):
            raise
    if warnings is not None:
        warnings.clear()
    return await _in_thread(evaluate, limits)


async def _in_thread(evaluate: Callable[[Limits], Any], limits: Limits) -> Any:
    return await asyncio.get_running_loop().run_in_executor(_pool(), evaluate, limits)


__all__ = ["evaluate_async", "evaluate_json"]
