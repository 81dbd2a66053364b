"""Leases, backoff and refusals of jobs."""

from __future__ import annotations

import pytest

from coupler.embedded.job_commands import ActivationRequest
from coupler.embedded.rejection import Reason, Rejection
from tests.embedded.bpmn import one_task
from tests.embedded.harness import NOON, Harness


@pytest.fixture
def started(engine: Harness) -> Harness:
    """One instance that waits at its job."""
    engine.deploy(one_task())
    engine.start()
    return engine


def test_a_leased_job_is_not_given_twice_and_comes_back_with_unchanged_retries(started: Harness) -> None:
    first = started.jobs(lease_ms=1_000)[0]
    assert first.deadline_ms == NOON + 1_000
    assert started.jobs() == []
    started.advance(999)
    assert started.jobs() == []
    started.announced.clear()
    started.advance(1)
    assert started.announced == [("work", first.job.key)]
    again = started.job()
    assert (again.job.key, again.job.retries) == (first.job.key, 3)


def test_a_late_completion_counts_while_nobody_else_has_finished_the_job(started: Harness) -> None:
    first = started.jobs(lease_ms=1_000)[0]
    started.advance(1_000)
    started.complete(first)
    assert started.leftovers() == {}
    with pytest.raises(Rejection) as refused:
        started.complete(first)
    assert refused.value.reason is Reason.NOT_FOUND


def test_a_failed_job_waits_for_its_backoff(started: Harness) -> None:
    activation = started.job()
    started.fail(activation, retries=2, backoff_ms=500)
    assert started.jobs() == []
    with pytest.raises(Rejection) as refused:
        started.complete(activation)
    assert refused.value.reason is Reason.INVALID_STATE
    assert started.due[-1] == NOON + 500
    started.advance(500)
    assert started.job().job.retries == 2


def test_a_lease_can_be_extended_and_only_a_lease(started: Harness) -> None:
    activation = started.jobs(lease_ms=1_000)[0]
    started.advance(900)
    started.engine.jobs.update_timeout(activation.job.key, 5_000)
    started.advance(4_900)
    assert started.jobs() == []
    started.advance(100)
    with pytest.raises(Rejection) as refused:
        started.engine.jobs.update_timeout(activation.job.key, 1_000)
    assert refused.value.reason is Reason.INVALID_STATE
    with pytest.raises(Rejection) as refused:
        started.engine.jobs.update_timeout(1, 1_000)
    assert refused.value.reason is Reason.NOT_FOUND


def test_leases_and_backoffs_may_last_for_ever(started: Harness) -> None:
    for_ever = (1 << 63) - 1
    activation = started.jobs(lease_ms=for_ever)[0]
    started.engine.jobs.update_timeout(activation.job.key, for_ever)
    started.advance(10**15)
    assert started.jobs() == []
    started.fail(activation, retries=1, backoff_ms=for_ever)
    assert started.jobs() == []


def test_a_lease_that_never_arrived_is_handed_back_once(started: Harness) -> None:
    activation = started.job()
    started.engine.jobs.hand_back([activation])
    again = started.jobs(lease_ms=30_000)[0]
    assert again.job.retries == 3
    started.engine.jobs.hand_back([activation])
    assert started.jobs() == [], "the new lease is another one"


@pytest.mark.parametrize("retries", [0, -1])
def test_retries_must_be_positive(started: Harness, retries: int) -> None:
    with pytest.raises(Rejection) as refused:
        started.engine.jobs.update_retries(started.job().job.key, retries)
    assert refused.value.reason is Reason.INVALID_ARGUMENT


def test_jobs_come_oldest_first_and_no_more_than_asked_for(engine: Harness) -> None:
    engine.deploy(one_task())
    keys = [engine.start(n=number) for number in range(5)]
    assert [a.job.process_instance_key for a in engine.jobs(limit=3)] == keys[:3]
    assert [a.job.process_instance_key for a in engine.jobs()] == keys[3:]


def test_a_batch_ends_where_its_variables_get_too_large(engine: Harness) -> None:
    engine.deploy(one_task())
    for _ in range(5):
        engine.start(big="x" * 1_000)
    request = ActivationRequest("work", "w", 1_000, max_jobs=5, max_bytes=2_500)
    assert [len(engine.engine.jobs.activate(request)) for _ in range(4)] == [2, 2, 1, 0]


def test_one_large_job_is_given_alone(engine: Harness) -> None:
    engine.deploy(one_task())
    engine.start(big="x" * 5_000)
    assert len(engine.engine.jobs.activate(ActivationRequest("work", "w", 1_000, 5, max_bytes=100))) == 1


def test_a_job_too_large_for_a_message_is_an_incident(engine: Harness) -> None:
    engine.deploy(one_task())
    engine.start(number=1)
    key = engine.start(a="x" * 2_500_000, b="x" * 2_500_000)
    assert len(engine.jobs()) == 1
    assert engine.jobs() == []
    incident = engine.incident()
    assert incident.type == "MESSAGE_SIZE_EXCEEDED"
    assert "5,000,004 bytes" in incident.message
    engine.engine.set_variables(key, {"b": b"null"}, local=False)
    engine.engine.resolve_incident(incident.key)
    assert engine.job().job.retries == 3


def test_jobs_behind_one_that_is_too_large_are_found(engine: Harness) -> None:
    engine.deploy(one_task())
    engine.start(a="x" * 5_000_000)
    key = engine.start()
    assert [a.job.process_instance_key for a in engine.jobs(limit=1)] == [key]


def test_activation_uses_the_index(engine: Harness) -> None:
    """Among 10,000 leased jobs the next ready one is found without looking at them."""
    plan = engine.engine.store.database.execute(
        "EXPLAIN QUERY PLAN SELECT * FROM job WHERE type = ? AND state = 'ready' ORDER BY key LIMIT ?", ("work", 1)
    ).fetchall()
    assert "job_ready" in plan[0][3]
    assert len(plan) == 1, "sorted by the index"
    plan = engine.engine.store.database.execute(
        "EXPLAIN QUERY PLAN SELECT key, type FROM job WHERE due <= ? ORDER BY due LIMIT ?", (1, 1)
    ).fetchall()
    assert "job_due" in plan[0][3]
