"""Evaluation beside an event loop: a little on the loop, anything longer from scratch in a thread of its own pool."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Final

from coupler.feel.expression import Expression, Functions
from coupler.feel.limits import DEFAULT, LimitExceeded, Limits

_THREADS: Final = 2


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    # Two: evaluation is bound by the interpreter, more threads would only share it.
    return ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="feel")


async def evaluate_async(
    expression: Expression,
    context: Mapping[str, Any],
    functions: Functions | None = None,
    limits: Limits | None = None,
    warnings: list[tuple[int, str]] | None = None,
) -> Any:
    """As ``Expression.evaluate``, without holding up the event loop for more than about 10 ms."""
    try:
        return expression.evaluate(context, functions, Limits.for_loop(), warnings)
    except LimitExceeded as error:
        if not error.is_about_time:
            raise
    if warnings is not None:
        warnings.clear()
    return await asyncio.get_running_loop().run_in_executor(
        _pool(), expression.evaluate, context, functions, limits or DEFAULT, warnings
    )


__all__ = ["evaluate_async"]
