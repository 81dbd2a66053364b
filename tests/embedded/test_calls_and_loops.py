"""Call activities and multi-instance activities."""

from __future__ import annotations

import pytest

from coupler.embedded.rejection import Reason, Rejection
from tests.embedded.bpmn import boundary, element, end, error, loop, mapping, model, start, sub_process, task, timer
from tests.embedded.harness import Harness, seen


def call(process_id: str, *, attributes: str = "", extensions: str = "") -> str:
    """A call activity."""
    called = f'<zeebe:calledElement processId="{process_id}" {attributes}/>'
    return element("callActivity", "call", extensions=called + extensions)


CHILD = model(start(), task("t"), end(), flows="start -> t -> end", process_id="child")


def parent(activity: str) -> bytes:
    """start -> call activity -> task -> end, with an error boundary event."""
    return model(
        start(), activity, boundary("b", "call", error("A")), task("after", "after"), task("caught", "caught"), end(),
        flows="start -> call -> after -> end\nb -> caught -> end",
    )  # fmt: skip


def test_a_called_process_gets_and_gives_all_variables(engine: Harness) -> None:
    engine.deploy(CHILD, "child.bpmn")
    engine.deploy(parent(call("child")))
    engine.start(x=1)
    activation = engine.job()
    assert seen(activation) == {"x": 1}
    engine.complete(activation, y=2)
    assert seen(engine.job("after")) == {"x": 1, "y": 2}


def test_mappings_and_switches_limit_what_passes(engine: Harness) -> None:
    engine.deploy(CHILD, "child.bpmn")
    switches = 'propagateAllParentVariables="false" propagateAllChildVariables="false"'
    mapped = mapping(inputs={"in": "= x"}, outputs={"out": "= y"})
    engine.deploy(parent(call("= which", attributes=switches, extensions=mapped)))
    engine.start(x=1, which="child", secret=1)
    activation = engine.job()
    assert seen(activation) == {"in": 1}
    engine.complete(activation, y=2, z=3)
    assert seen(engine.job("after")) == {"x": 1, "which": "child", "secret": 1, "out": 2}


def test_an_error_of_the_called_process_is_caught_outside(engine: Harness) -> None:
    engine.deploy(CHILD, "child.bpmn")
    engine.deploy(parent(call("child")))
    key = engine.start()
    engine.throw(engine.job(), "A")
    assert engine.active(key) == ["caught"]
    engine.complete(engine.job("caught"))
    assert engine.leftovers() == {}


def test_cancelling_the_caller_ends_the_called(engine: Harness) -> None:
    engine.deploy(CHILD, "child.bpmn")
    engine.deploy(parent(call("child")))
    key = engine.start()
    child = engine.job().job.process_instance_key
    with pytest.raises(Rejection, match="Cancel the root") as refused:
        engine.engine.cancel_instance(child)
    assert refused.value.reason is Reason.INVALID_STATE
    engine.engine.cancel_instance(key)
    assert (engine.state(key), engine.state(child)) == ("terminated", "terminated")
    assert engine.leftovers() == {}


def test_a_called_process_that_is_not_there_is_an_incident_until_it_is(engine: Harness) -> None:
    engine.deploy(parent(call("child")))
    engine.start()
    incident = engine.incident()
    assert (incident.type, incident.element_id) == ("CALLED_ELEMENT_ERROR", "call")
    engine.deploy(CHILD, "child.bpmn")
    engine.engine.resolve_incident(incident.key)
    assert engine.job().job.element_id == "t"


def test_processes_that_call_themselves_stop_at_a_limit(engine: Harness) -> None:
    engine.deploy(model(start(), call("p"), end(), flows="start -> call -> end"))
    key = engine.start()
    assert "nested deeper than 100" in engine.incident().message
    engine.engine.cancel_instance(key)
    assert engine.leftovers() == {}


def each(sequential: bool = False, condition: str = "") -> bytes:
    """A task for each item, results collected."""
    attributes = 'inputCollection="= items" inputElement="item" outputCollection="results" outputElement="= r"'
    return model(
        start(), task("t", loop=loop(attributes, sequential=sequential, condition=condition)), task("after", "after"),
        end(), flows="start -> t -> after -> end",
    )  # fmt: skip


def test_a_parallel_loop_runs_all_items_at_once_and_keeps_their_order(engine: Harness) -> None:
    engine.deploy(each())
    engine.start(items=[10, 20, 30])
    jobs = engine.jobs()
    assert [seen(a) for a in jobs] == [
        {"items": [10, 20, 30], "item": item, "loopCounter": n} for n, item in enumerate((10, 20, 30), 1)
    ]
    for activation in reversed(jobs):
        engine.complete(activation, r=seen(activation)["item"] + 1)
    variables = seen(engine.job("after"))
    assert variables["results"] == [11, 21, 31]
    assert "item" not in variables


def test_a_sequential_loop_runs_one_item_after_the_other(engine: Harness) -> None:
    engine.deploy(each(sequential=True))
    engine.start(items=[1, 2, 3])
    for expected in (1, 2, 3):
        activation = engine.job()
        assert seen(activation)["item"] == expected
        engine.complete(activation, r=expected * 2)
    assert seen(engine.job("after"))["results"] == [2, 4, 6]


def test_a_completion_condition_ends_the_loop_early(engine: Harness) -> None:
    engine.deploy(each(condition="= numberOfCompletedInstances = 2"))
    key = engine.start(items=[1, 2, 3])
    jobs = engine.jobs()
    engine.complete(jobs[0], r="a")
    engine.complete(jobs[2], r="c")
    assert engine.active(key) == ["after"]
    assert seen(engine.job("after"))["results"] == ["a", None, "c"]
    assert engine.engine.store.jobs.count_by_state() == {"leased": 1}


def test_an_empty_collection_is_passed_and_something_else_is_an_incident(engine: Harness) -> None:
    engine.deploy(each())
    engine.start(items=[])
    assert seen(engine.job("after"))["results"] == []
    engine.start(items="many")
    assert "to be 'ARRAY', but was 'STRING'" in engine.incident().message


def test_output_mappings_of_a_loop_stay_in_the_iteration(engine: Harness) -> None:
    attributes = 'inputCollection="= items" inputElement="item" outputCollection="results" outputElement="= mapped"'
    inner = task("t", loop=loop(attributes), outputs={"mapped": "= r * 10"})
    engine.deploy(model(start(), inner, task("after", "after"), end(), flows="start -> t -> after -> end"))
    engine.start(items=[1, 2])
    for activation in engine.jobs():
        engine.complete(activation, r=seen(activation)["item"])
    variables = seen(engine.job("after"))
    assert variables == {"items": [1, 2], "results": [10, 20]}


def test_a_boundary_event_interrupts_the_whole_loop(engine: Harness) -> None:
    inner = task("t", loop=loop('inputCollection="= items" inputElement="item"'))
    engine.deploy(
        model(
            start(), inner, boundary("b", "t", error("A")), boundary("late", "t", timer("PT1M")),
            task("after", "after"),
            end(), flows="start -> t -> end\nb -> after -> end\nlate -> end",
        )
    )  # fmt: skip
    key = engine.start(items=[1, 2, 3])
    assert engine.engine.store.database.execute("SELECT count(*) FROM timer").fetchone() == (1,)
    engine.throw(engine.jobs()[1], "A")
    assert engine.active(key) == ["after"]
    engine.complete(engine.job("after"))
    assert engine.leftovers() == {}


def test_a_loop_over_sub_processes(engine: Harness) -> None:
    inner = sub_process(
        "sub", start("s"), task("t"), end("e"), flows="s -> t -> e",
        loop=loop('inputCollection="= items" inputElement="item"'),
    )  # fmt: skip
    engine.deploy(model(start(), inner, end(), flows="start -> sub -> end"))
    key = engine.start(items=["a", "b"])
    jobs = engine.jobs()
    assert [seen(a)["item"] for a in jobs] == ["a", "b"]
    for activation in jobs:
        engine.complete(activation)
    assert engine.state(key) == "completed"
    assert engine.leftovers() == {}


def test_thousands_of_iterations_are_started_in_slices(engine: Harness) -> None:
    engine.deploy(each())
    engine.start(items=list(range(3_000)))
    assert engine.slices >= 5
    assert engine.engine.store.jobs.count_by_state() == {"ready": 3_000}
    while batch := engine.jobs():
        for activation in batch:
            engine.complete(activation, r=1)
    assert len(seen(engine.job("after"))["results"]) == 3_000
