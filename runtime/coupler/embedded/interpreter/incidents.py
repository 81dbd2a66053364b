"""Opening and resolving incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from coupler.embedded.interpreter.instance import Instance, State
from coupler.embedded.interpreter.problem import Problem
from coupler.embedded.store.incidents import IncidentRow

if TYPE_CHECKING:
    from coupler.embedded.interpreter.core import Interpreter


def open_incident(it: Interpreter, instance: Instance, problem: Problem, job_key: int = 0) -> None:
    """Stops an element instance where it is until somebody resolves the incident."""
    it.store.incidents.insert(
        IncidentRow(
            key=it.store.new_key(),
            type=problem.type.value,
            message=str(problem),
            element_key=instance.key,
            element_id=instance.element.id,
            process_instance_key=instance.process_instance_key,
            definition_key=instance.definition.key,
            job_key=job_key,
            created_ms=it.now(),
        )
    )


def resolve(it: Interpreter, row: IncidentRow) -> None:
    """Lets an element instance try again what it got stuck at."""
    it.store.incidents.delete(row.key)
    job = it.store.jobs.get(row.job_key) if row.job_key else None
    if job is not None:
        it.store.jobs.make_ready(job.key)
        it.effects.ready.append((job.type, job.key))
        return
    instance = it.get(row.element_key)
    if instance is None:
        return
    match instance.state:
        case State.ACTIVATING:
            it.begin(instance)
        case State.COMPLETING:
            it.complete(instance)
        case State.ACTIVE:
            pass  # it waits for something; nothing of its own had failed
        case _:
            assert_never(instance.state)
