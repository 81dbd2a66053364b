"""Multi-instance activities: a body that runs its activity once for each item of a collection.

Items and results are kept one by one, under the negative key of the body (no element sees that scope), so that
thousands of iterations never copy the collection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coupler import json
from coupler.embedded.bpmn.expression import Expression
from coupler.embedded.bpmn.model import LoopSpec
from coupler.embedded.interpreter.context import Visible, evaluate, expected
from coupler.embedded.interpreter.instance import Instance, Role
from coupler.embedded.interpreter.problem import IncidentType

if TYPE_CHECKING:
    from coupler.embedded.interpreter.core import Interpreter


def _spec(body: Instance) -> LoopSpec:
    assert body.element.loop is not None
    return body.element.loop


def enter(it: Interpreter, body: Instance) -> None:
    """Starts the iterations: all of them, or the first one of a sequential loop.

    Raises:
        Problem: the input collection is not a list.
    """
    spec = _spec(body)
    items = evaluate(
        spec.input_collection, Visible(it.store.variables, it.path(body)), IncidentType.EXTRACT_VALUE_ERROR
    )
    if not isinstance(items, list):
        raise expected(spec.input_collection, "ARRAY", items)
    it.store.variables.set_local(-body.key, {f"in {i}": json.dump_bytes(item) for i, item in enumerate(items, 1)})
    body.loop_index = len(items)
    body.tokens = len(items)
    if not items:
        it.complete(body)
        return
    for number in range(1, 2 if spec.sequential else len(items) + 1):
        it.take(body, str(number))


def iterate(it: Interpreter, body: Instance, number: int) -> None:
    """Runs the activity once; ``number`` counts from 1 and is its ``loopCounter``."""
    spec = _spec(body)
    iteration = it.new(body, body.element, Role.ITERATION)
    iteration.loop_index = number
    local = {"loopCounter": str(number).encode()}
    if spec.input_element:
        item = it.store.variables.get((-body.key,), f"in {number}")
        local[spec.input_element] = item if item is not None else b"null"
    it.set_local(iteration, local)
    it.begin(iteration)


def finish_iteration(it: Interpreter, iteration: Instance) -> bool:
    """Keeps the result of an iteration at its place in the output collection; True when the loop is over with it.

    Raises:
        Problem: the output element or the completion condition cannot be evaluated.
    """
    spec = _spec(iteration)
    if spec.output_collection and spec.output_element:
        context = Visible(it.store.variables, it.path(iteration))
        value = evaluate(spec.output_element, context, IncidentType.EXTRACT_VALUE_ERROR)
        name = f"out {iteration.loop_index}"
        it.store.variables.set_local(-iteration.scope_key, {name: json.dump_bytes(value)})
    if spec.completion_condition is None:
        return False
    body = it.get(iteration.scope_key)
    assert body is not None
    return _condition_holds(it, body, spec.completion_condition)


def _condition_holds(it: Interpreter, body: Instance, condition: Expression) -> bool:
    # The iteration that is about to end counts as completed.
    numbers: dict[str, object] = {
        "numberOfInstances": body.loop_index,
        "numberOfActiveInstances": len(it.children(body)) - 1,
        "numberOfCompletedInstances": body.loop_index - body.tokens + 1,
        "numberOfTerminatedInstances": 0,
    }
    collection = _spec(body).output_collection
    if collection:
        numbers[collection] = json.loads(_output_collection(it, body))
    value = evaluate(condition, Visible(it.store.variables, it.path(body), numbers), IncidentType.EXTRACT_VALUE_ERROR)
    if not isinstance(value, bool):
        raise expected(condition, "BOOLEAN", value)
    return value


def iteration_ended(it: Interpreter, body: Instance, *, loop_is_over: bool) -> None:
    """Goes on with the next iteration, or completes the body and ends the iterations that still run."""
    body.tokens -= 1
    if body.tokens == 0 or loop_is_over:
        for iteration in it.children(body):
            it.terminate(iteration)
        it.complete(body)
    elif _spec(body).sequential:
        it.take(body, str(body.loop_index - body.tokens + 1))


def pass_on_outputs(it: Interpreter, body: Instance) -> None:
    """Hands the output collection to the scope around the activity."""
    spec = _spec(body)
    if spec.output_collection:
        document = {spec.output_collection: _output_collection(it, body)}
        it.store.variables.merge(it.path(body)[1:], document)


def _output_collection(it: Interpreter, body: Instance) -> bytes:
    kept = it.store.variables.local(-body.key)
    return b"[" + b",".join(kept.get(f"out {i}", b"null") for i in range(1, body.loop_index + 1)) + b"]"


def forget(it: Interpreter, body: Instance) -> None:
    """Removes items and results with their body."""
    it.store.variables.delete(-body.key)
