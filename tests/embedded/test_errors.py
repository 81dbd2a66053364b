"""BPMN errors, boundary events, incidents."""

from __future__ import annotations

import pytest

from coupler.embedded.rejection import Reason, Rejection
from tests.embedded.bpmn import boundary, end, error, model, parallel, start, sub_process, task
from tests.embedded.harness import Harness, seen


def test_a_thrown_error_goes_to_the_boundary_event_with_its_code(engine: Harness) -> None:
    engine.deploy(
        model(
            start(), task("t"), boundary("b1", "t", error("A")), boundary("b2", "t", error("B")),
            task("a", "a"), task("b", "b"), end(), flows="start -> t -> end\nb1 -> a -> end\nb2 -> b -> end",
        )
    )  # fmt: skip
    key = engine.start(x=1)
    engine.throw(engine.job(), "B", "why", y=2)
    assert engine.active(key) == ["b"]
    assert seen(engine.job("b")) == {"x": 1, "y": 2}


def test_an_event_for_the_code_comes_before_one_for_any_code(engine: Harness) -> None:
    content = model(
        start(), task("t"), boundary("any", "t", error()), boundary("exact", "t", error("A")),
        task("a", "a"), task("x", "x"), end(), flows="start -> t -> end\nexact -> a -> end\nany -> x -> end",
    )  # fmt: skip
    engine.deploy(content)
    first, second = engine.start(), engine.start()
    one, two = engine.jobs()
    engine.throw(one, "A")
    engine.throw(two, "other")
    assert (engine.active(first), engine.active(second)) == (["a"], ["x"])


def test_an_error_goes_outward_and_ends_the_sub_process(engine: Harness) -> None:
    inner = sub_process(
        "sub", start("s"), parallel("f"), task("t"), task("u", "u"), end("e1"), end("e2"),
        flows="s -> f -> t -> e1\nf -> u -> e2",
    )  # fmt: skip
    engine.deploy(
        model(
            start(), inner, boundary("b", "sub", error("A")), task("after", "after"), end(),
            flows="start -> sub -> end\nb -> after -> end",
        )
    )  # fmt: skip
    key = engine.start()
    other = engine.job("u")
    engine.throw(engine.job(), "A")
    assert engine.active(key) == ["after"]
    with pytest.raises(Rejection) as refused:
        engine.complete(other)
    assert refused.value.reason is Reason.NOT_FOUND
    engine.complete(engine.job("after"))
    assert engine.leftovers() == {}


def test_an_error_end_event_throws(engine: Harness) -> None:
    inner = sub_process("sub", start("s"), end("e", error("A")), flows="s -> e")
    engine.deploy(
        model(
            start(), inner, boundary("b", "sub", error("A")), task("after"), end(),
            flows="start -> sub -> end\nb -> after -> end",
        )
    )  # fmt: skip
    assert engine.active(engine.start()) == ["after"]


def test_an_error_end_event_that_nothing_catches_is_an_incident(engine: Harness) -> None:
    engine.deploy(model(start(), end("e", error("A")), flows="start -> e"))
    key = engine.start()
    incident = engine.incident()
    assert (incident.type, incident.element_id, incident.job_key) == ("UNHANDLED_ERROR_EVENT", "e", 0)
    engine.engine.cancel_instance(key)
    assert engine.leftovers() == {}


def test_an_uncaught_error_of_a_job_is_an_incident_and_its_resolution_lets_the_job_run_again(engine: Harness) -> None:
    engine.deploy(
        model(
            start(), task("t"), boundary("b", "t", error("OTHER")), end(), flows="start -> t -> end\nb -> end"
        )
    )  # fmt: skip
    key = engine.start()
    activation = engine.job()
    engine.throw(activation, "A", "no money", detail=1)
    incident = engine.incident()
    assert (incident.type, incident.job_key) == ("UNHANDLED_ERROR_EVENT", activation.job.key)
    assert "code 'A' with message 'no money'" in incident.message
    assert "[OTHER]" in incident.message
    assert engine.jobs() == []
    with pytest.raises(Rejection) as refused:
        engine.complete(activation)
    assert refused.value.reason is Reason.INVALID_STATE
    engine.engine.resolve_incident(incident.key)
    again = engine.job()
    assert (again.job.key, again.job.retries) == (activation.job.key, 3)
    engine.complete(again)
    assert engine.state(key) == "completed"


def test_a_job_without_retries_is_an_incident(engine: Harness) -> None:
    engine.deploy(model(start(), task("t"), end(), flows="start -> t -> end"))
    engine.start()
    activation = engine.job()
    engine.fail(activation, retries=0, message="out of paper", code="P")
    incident = engine.incident()
    assert (incident.type, incident.message, incident.element_id) == ("JOB_NO_RETRIES", "out of paper", "t")
    assert incident.job_key == activation.job.key

    engine.engine.jobs.update_retries(activation.job.key, 2)
    assert engine.jobs() == [], "only the resolution makes it available"
    engine.engine.resolve_incident(incident.key)
    again = engine.job()
    assert (again.job.retries, seen(again)) == (2, {"code": "P"})
    engine.complete(again)
    assert engine.leftovers() == {}


def test_resolving_an_unknown_incident_is_refused(engine: Harness) -> None:
    with pytest.raises(Rejection) as refused:
        engine.engine.resolve_incident(1)
    assert refused.value.reason is Reason.NOT_FOUND


def test_cancelling_ends_everything_in_the_instance(engine: Harness) -> None:
    inner = sub_process("sub", start("s"), task("t"), end("e"), flows="s -> t -> e")
    engine.deploy(
        model(
            start(), parallel("f"), inner, task("u", "u"), task("v", "v"), end(),
            flows="start -> f -> sub -> end\nf -> u -> end\nf -> v -> end",
        )
    )  # fmt: skip
    key = engine.start(x=1)
    engine.fail(engine.job("u"), retries=0)
    activation = engine.job()
    engine.engine.cancel_instance(key)
    assert engine.state(key) == "terminated"
    assert engine.leftovers() == {}
    for command in (engine.complete, engine.fail):
        with pytest.raises(Rejection) as refused:
            command(activation)
        assert refused.value.reason is Reason.NOT_FOUND
    with pytest.raises(Rejection) as refused:
        engine.throw(activation, "A")
    assert refused.value.reason is Reason.NOT_FOUND


@pytest.mark.parametrize(
    ("job_type", "retries", "said"),
    [("= missing", "3", "'missing' to be 'STRING'"), ("work", '= "many"', "to be 'NUMBER'")],
)
def test_a_job_type_or_retries_that_cannot_be_evaluated(
    engine: Harness, job_type: str, retries: str, said: str
) -> None:
    engine.deploy(model(start(), task("t", job_type, retries=retries), end(), flows="start -> t -> end"))
    engine.start()
    incident = engine.incident()
    assert incident.type == "EXTRACT_VALUE_ERROR"
    assert said in incident.message


def test_a_job_type_and_retries_may_be_expressions(engine: Harness) -> None:
    engine.deploy(model(start(), task("t", '= "work-" + kind', retries="= n + 1"), end(), flows="start -> t -> end"))
    engine.start(kind="x", n=4)
    assert engine.job("work-x").job.retries == 5
