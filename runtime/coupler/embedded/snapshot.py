"""Takes a snapshot of the engine for people."""

from __future__ import annotations

from coupler.embedded.engine import Engine
from coupler.embedded.store.incidents import IncidentRow
from coupler.embedded.store.instances import InstanceRow
from coupler.embedded.view import DeployedProcess, EngineView, IncidentView, InstanceView


def take_snapshot(engine: Engine, limit: int) -> EngineView:
    """The engine at this moment, with at most ``limit`` instances and incidents."""
    store = engine.store
    return EngineView(
        instances=tuple(_instance(engine, row) for row in store.instances.recent(limit)),
        incidents=tuple(_incident(engine, row) for row in store.incidents.recent(limit)),
        processes=tuple(
            DeployedProcess(d.key, d.process_id, d.version, d.resource_name) for d in engine.definitions.all_latest()
        ),
        active_instances=store.instances.count_active(),
        open_incidents=store.incidents.count(),
        jobs=store.jobs.count_by_state(),
        completed_instances=engine.totals.completed,
        terminated_instances=engine.totals.terminated,
    )


def _instance(engine: Engine, row: InstanceRow) -> InstanceView:
    store, definition = engine.store, engine.definitions.get(row.definition_key)
    active = row.state == "active"
    return InstanceView(
        key=row.key,
        process_id=definition.process_id,
        version=definition.version,
        state=row.state,
        elements=tuple(store.elements.active_ids(row.key)) if active else (),
        variables=store.variables.summary(row.key) if active else row.summary,
        incidents=store.incidents.count_of(row.key) if active else 0,
        started_ms=row.started_ms,
        ended_ms=row.ended_ms,
    )


def _incident(engine: Engine, row: IncidentRow) -> IncidentView:
    return IncidentView(
        key=row.key,
        type=row.type,
        message=row.message,
        element_id=row.element_id,
        process_id=engine.definitions.get(row.definition_key).process_id,
        process_instance_key=row.process_instance_key,
        job_key=row.job_key,
        created_ms=row.created_ms,
    )
