"""Tokens through flows and gateways."""

from __future__ import annotations

import pytest

from tests.embedded.bpmn import end, exclusive, model, one_task, parallel, start, sub_process, task
from tests.embedded.harness import Harness, seen

BRANCHES = model(
    start(), exclusive("choice", default="p_choice_other"), task("big", "big"), task("small", "small"),
    task("other", "other"), end(),
    flows="""
        start -> choice -> [= x > 10] big -> end
        choice -> [= x < 5] small -> end
        choice -> other -> end
    """,
)  # fmt: skip


def test_a_task_waits_for_its_worker_and_then_the_process_ends(engine: Harness) -> None:
    engine.deploy(one_task())
    key = engine.start(x=1)
    assert engine.active(key) == ["task"]
    engine.complete(engine.job(), y=2)
    assert engine.state(key) == "completed"
    assert engine.leftovers() == {}


@pytest.mark.parametrize(("x", "taken"), [(11, "big"), (4, "small"), (7, "other")])
def test_an_exclusive_gateway_takes_the_flow_whose_condition_is_true(engine: Harness, x: int, taken: str) -> None:
    engine.deploy(BRANCHES)
    key = engine.start(x=x)
    assert engine.active(key) == [taken]


def test_conditions_are_tried_in_order_and_one_flow_only_is_taken(engine: Harness) -> None:
    engine.deploy(
        model(
            start(), exclusive("choice"), task("a", "a"), task("b", "b"),
            flows="start -> choice -> [= true] a\nchoice -> [= true] b",
        )
    )  # fmt: skip
    assert engine.active(engine.start()) == ["a"]


def test_no_true_condition_and_no_default_flow_is_an_incident_that_new_variables_solve(engine: Harness) -> None:
    engine.deploy(
        model(
            start(), exclusive("choice"), task("a"), task("b", "b"), end(),
            flows="start -> choice -> [= x > 1] a -> end\nchoice -> [= x < 0] b -> end",
        )
    )  # fmt: skip
    key = engine.start(x=0)
    incident = engine.incident()
    assert (incident.type, incident.element_id) == ("CONDITION_ERROR", "choice")
    assert "at least one condition" in incident.message

    engine.engine.resolve_incident(incident.key)
    assert engine.incident().key != incident.key, "without a change it gets stuck again"

    engine.engine.set_variables(key, {"x": b"2"}, local=False)
    engine.engine.resolve_incident(engine.incident().key)
    assert engine.incidents() == []
    engine.complete(engine.job())
    assert engine.leftovers() == {}


def test_a_condition_that_is_not_boolean_is_an_incident(engine: Harness) -> None:
    engine.deploy(
        model(start(), exclusive("c"), end("a"), end("b"), flows="start -> c -> [= missing] a\nc -> [= true] b")
    )
    engine.start()
    incident = engine.incident()
    assert incident.type == "EXTRACT_VALUE_ERROR"
    assert "'missing' to be 'BOOLEAN', but was 'NULL'" in incident.message


def test_parallel_branches_run_at_once_and_the_join_waits_for_all(engine: Harness) -> None:
    engine.deploy(
        model(
            start(), parallel("fork"), task("a", "a"), task("b", "b"), parallel("join"), task("after", "after"), end(),
            flows="start -> fork -> a -> join -> after -> end\nfork -> b -> join",
        )
    )  # fmt: skip
    key = engine.start()
    assert engine.active(key) == ["a", "b"]
    engine.complete(engine.job("b"), b=1)
    assert engine.active(key) == ["a"]
    engine.complete(engine.job("a"), a=2)
    assert engine.active(key) == ["after"]
    assert seen(engine.job("after")) == {"a": 2, "b": 1}


def test_a_join_counts_flows_not_tokens(engine: Harness) -> None:
    """Two tokens on the same flow are not the two flows that the join waits for."""
    engine.deploy(
        model(
            start(), parallel("fork"), parallel("fork2"), exclusive("merge"), task("slow", "slow"), parallel("join"),
            task("after", "after"), end(),
            flows="""
                start -> fork -> fork2 -> merge -> join -> after -> end
                fork2 -> merge
                fork -> slow -> join
            """,
        )
    )  # fmt: skip
    key = engine.start()
    assert engine.active(key) == ["slow"]
    engine.complete(engine.job("slow"))
    assert engine.active(key) == ["after"]
    engine.complete(engine.job("after"))
    assert engine.state(key) == "active", "the second token waits for a partner that never comes, as in Zeebe"


def test_a_sub_process_ends_when_its_last_token_does(engine: Harness) -> None:
    inner = sub_process(
        "sub", start("s"), parallel("f"), task("a", "a"), task("b", "b"), end("e1"), end("e2"),
        flows="s -> f -> a -> e1\nf -> b -> e2",
    )  # fmt: skip
    engine.deploy(model(start(), inner, task("after", "after"), end(), flows="start -> sub -> after -> end"))
    key = engine.start()
    assert engine.active(key) == ["a", "b", "sub"]
    engine.complete(engine.job("a"))
    assert engine.active(key) == ["b", "sub"]
    engine.complete(engine.job("b"))
    assert engine.active(key) == ["after"]
    engine.complete(engine.job("after"))
    assert engine.leftovers() == {}


def test_a_task_without_a_type_and_a_none_throw_event_pass_through(engine: Harness) -> None:
    parts = '<bpmn:task id="t"/><bpmn:manualTask id="m"/><bpmn:intermediateThrowEvent id="i"/>'
    engine.deploy(model(start(), parts, end(), flows="start -> t -> m -> i -> end"))
    assert engine.state(engine.start()) == "completed"


def test_a_process_may_end_without_an_end_event(engine: Harness) -> None:
    engine.deploy(model(start(), task("a"), flows="start -> a"))
    key = engine.start()
    engine.complete(engine.job())
    assert engine.state(key) == "completed"


def test_a_terminate_end_event_ends_everything_else_in_its_scope(engine: Harness) -> None:
    engine.deploy(
        model(
            start(), parallel("fork"), task("a", "a"), task("b", "b"),
            end("stop", "<bpmn:terminateEventDefinition/>"), end(),
            flows="start -> fork -> a -> stop\nfork -> b -> end",
        )
    )  # fmt: skip
    key = engine.start()
    engine.complete(engine.job("a"))
    assert engine.state(key) == "completed"
    assert engine.leftovers() == {}


@pytest.mark.parametrize("tag", ["serviceTask", "sendTask", "businessRuleTask", "scriptTask"])
def test_tasks_of_all_job_types_make_jobs(engine: Harness, tag: str) -> None:
    engine.deploy(model(start(), task("t", tag=tag, headers={"h": "1"}), end(), flows="start -> t -> end"))
    engine.start()
    assert engine.job().job.headers == '{"h":"1"}'


def test_message_throw_and_end_events_are_jobs(engine: Harness) -> None:
    definition = "<bpmn:messageEventDefinition/>"
    throw = task("throw", "send", tag="intermediateThrowEvent").replace("</bpmn:int", f"{definition}</bpmn:int")
    stop = task("stop", "send", tag="endEvent").replace("</bpmn:end", f"{definition}</bpmn:end")
    engine.deploy(model(start(), throw, stop, flows="start -> throw -> stop"))
    key = engine.start()
    engine.complete(engine.job("send"))
    assert engine.active(key) == ["stop"]
    engine.complete(engine.job("send"))
    assert engine.state(key) == "completed"


def test_a_script_is_evaluated_in_place(engine: Harness) -> None:
    script = '<bpmn:scriptTask id="s"><bpmn:extensionElements><zeebe:script expression="= x * 2" resultVariable="y"/>'
    script += "</bpmn:extensionElements></bpmn:scriptTask>"
    engine.deploy(model(start(), script, task("t"), end(), flows="start -> s -> t -> end"))
    engine.start(x=21)
    assert seen(engine.job()) == {"x": 21, "y": 42}


def test_a_loop_of_a_thousand_rounds_ends(engine: Harness) -> None:
    counter = '<bpmn:scriptTask id="s"><bpmn:extensionElements><zeebe:script expression="= n + 1" resultVariable="n"/>'
    counter += "</bpmn:extensionElements></bpmn:scriptTask>"
    engine.deploy(
        model(
            start(), exclusive("again"), counter, exclusive("more", default="p_more_end"), end(),
            flows="start -> again -> s -> more -> [= n < 1000] again\nmore -> end",
        )
    )  # fmt: skip
    key = engine.start(n=0)
    assert engine.state(key) == "completed"
    assert engine.slices > 1, "a long run is cut into several transactions"
    row = engine.engine.store.instances.get(key)
    assert row is not None
    assert row.summary == '{"n":1000}'


def test_a_loop_over_jobs_a_thousand_times(engine: Harness) -> None:
    engine.deploy(
        model(
            start(), exclusive("again"), task("t"), exclusive("more", default="p_more_end"), end(),
            flows="start -> again -> t -> more -> [= n < 1000] again\nmore -> end",
        )
    )  # fmt: skip
    key = engine.start(n=0)
    for number in range(1, 1001):
        engine.complete(engine.job(), n=number)
    assert engine.state(key) == "completed"
    assert engine.leftovers() == {}


def test_an_endless_loop_leaves_the_engine_usable(engine: Harness) -> None:
    engine.deploy(model(start(), exclusive("a"), '<bpmn:task id="b"/>', flows="start -> a -> b -> a"))
    key = engine.engine.create_instance(engine.engine.definitions.latest("p"), {})
    for _ in range(3):
        engine.engine.resume()
    engine.engine.cancel_instance(key)
    engine.engine.resume()
    assert engine.state(key) == "terminated"
    assert engine.leftovers() == {}
