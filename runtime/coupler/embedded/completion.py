"""Starting a process instance and waiting for its end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from coupler.embedded.definitions import Definition
from coupler.embedded.engine import Engine
from coupler.embedded.rejection import Reason, Rejection, wrong_state
from coupler.embedded.store.variables import Document


class Completed(NamedTuple):
    """A process instance that has completed, and its final variables."""

    key: int
    variables: Document


async def run_to_completion(
    engine: Engine, definition: Definition, variables: Document, wait_seconds: float, fetch_variables: Sequence[str]
) -> Completed:
    """Starts a process and waits until it has completed; with all its variables, or only those that are wanted.

    Raises:
        Rejection: DEADLINE_EXCEEDED when it takes longer (it goes on), INVALID_STATE when it was terminated.
    """
    result: asyncio.Future[Document | None] = asyncio.get_running_loop().create_future()

    def on_end(variables: Document | None) -> None:
        if not result.done():
            result.set_result(variables)

    key = engine.create_instance(definition, variables, on_end)
    try:
        async with asyncio.timeout(wait_seconds):
            found = await result
    except TimeoutError:
        text = f"Process instance {key} has not ended within the request timeout; it goes on"
        raise Rejection(Reason.DEADLINE_EXCEEDED, text) from None
    finally:
        engine.forget_result(key)
    if found is None:
        raise wrong_state(f"Process instance {key} was terminated before it completed")
    wanted = set(fetch_variables)
    return Completed(key, {name: value for name, value in found.items() if name in wanted or not wanted})
