"""Jobs that elements create, and what workers report of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coupler import json
from coupler.embedded.bpmn.model import JobSpec
from coupler.embedded.interpreter.context import Visible, evaluate, expected
from coupler.embedded.interpreter.instance import Instance
from coupler.embedded.interpreter.problem import IncidentType
from coupler.embedded.store.jobs import JobRow

if TYPE_CHECKING:
    from coupler.embedded.interpreter.core import Interpreter


def enter_job(it: Interpreter, instance: Instance) -> None:
    """Creates the job of an element.

    Raises:
        Problem: the type or the retries cannot be evaluated.
    """
    spec = instance.element.job
    assert spec is not None
    path = it.path(instance)
    job_type, retries = _type_and_retries(spec, Visible(it.store.variables, path))
    key = it.store.new_key()
    instance.job_key = key
    it.store.jobs.insert(
        JobRow(
            key=key,
            type=job_type,
            state="ready",
            retries=retries,
            due=None,
            worker="",
            scope_path=" ".join(map(str, path)),
            process_instance_key=instance.process_instance_key,
            definition_key=instance.definition.key,
            element_id=instance.element.id,
            element_key=instance.key,
            headers=spec.headers,
        )
    )
    it.effects.ready.append((job_type, key))


def _type_and_retries(spec: JobSpec, context: Visible) -> tuple[str, int]:
    job_type = evaluate(spec.type, context, IncidentType.EXTRACT_VALUE_ERROR)
    if not isinstance(job_type, str):
        raise expected(spec.type, "STRING", job_type)
    value = evaluate(spec.retries, context, IncidentType.EXTRACT_VALUE_ERROR)
    retries = _integer(value)
    if retries is None:
        raise expected(spec.retries, "NUMBER", value)
    return job_type, retries


def _integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if -(2**31) <= number < 2**31 else None


def enter_script(it: Interpreter, instance: Instance) -> None:
    """Evaluates a FEEL script and keeps its value in the result variable.

    Raises:
        Problem: the expression fails.
    """
    spec = instance.element.script
    assert spec is not None
    context = Visible(it.store.variables, it.path(instance))
    value = evaluate(spec.expression, context, IncidentType.EXTRACT_VALUE_ERROR)
    it.complete(instance, {spec.result_variable: json.dump_bytes(value)} if spec.result_variable else None)
