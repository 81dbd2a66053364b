"""Scopes, mappings, and where variables go."""

from __future__ import annotations

import pytest

from coupler.embedded.job_commands import ActivationRequest
from coupler.embedded.rejection import Reason, Rejection
from coupler.embedded.variables import parse_document
from tests.embedded.bpmn import element, end, mapping, model, parallel, start, sub_process, task
from tests.embedded.harness import Harness, seen


def test_variables_of_a_job_become_variables_of_the_process(engine: Harness) -> None:
    engine.deploy(model(start(), task("a", "a"), task("b", "b"), end(), flows="start -> a -> b -> end"))
    engine.start(x=1)
    engine.complete(engine.job("a"), x=2, y=3)
    assert seen(engine.job("b")) == {"x": 2, "y": 3}


def test_input_mappings_are_local_to_the_element(engine: Harness) -> None:
    engine.deploy(
        model(
            start(), task("a", "a", inputs={"local": "= x + 1", "x": "hidden"}), task("b", "b"), end(),
            flows="start -> a -> b -> end",
        )
    )  # fmt: skip
    engine.start(x=1)
    first = engine.job("a")
    assert seen(first) == {"x": "hidden", "local": 2}
    engine.complete(first)
    assert seen(engine.job("b")) == {"x": 1}


def test_later_inputs_see_earlier_ones_and_dotted_targets_build_objects(engine: Harness) -> None:
    inputs = {"a": "= 1", "o.x": "= a + 1", "o.deep.y": "= o.x + 1", "constant": "5", "none": "= missing"}
    engine.deploy(model(start(), task("t", inputs=inputs), end(), flows="start -> t -> end"))
    engine.start(o={"outer": True})
    variables = seen(engine.job())
    assert variables == {"a": 1, "o": {"x": 2, "deep": {"y": 3}}, "constant": "5", "none": None}


def test_with_output_mappings_only_what_is_mapped_leaves_the_element(engine: Harness) -> None:
    outputs = {"total": "= a + b", "o.added": "= a"}
    engine.deploy(model(start(), task("t", outputs=outputs), task("b", "b"), end(), flows="start -> t -> b -> end"))
    engine.start(o={"kept": 1})
    engine.complete(engine.job(), a=1, b=2)
    assert seen(engine.job("b")) == {"total": 3, "o": {"kept": 1, "added": 1}}


def test_a_result_goes_to_the_nearest_scope_that_has_the_variable(engine: Harness) -> None:
    inner = sub_process(
        "sub", start("s"), task("t"), task("u", "u"), end("e"), flows="s -> t -> u -> e",
        extensions=mapping(inputs={"x": "= 10"}),
    )  # fmt: skip
    engine.deploy(model(start(), inner, task("after", "after"), end(), flows="start -> sub -> after -> end"))
    engine.start(x=1, y=1)
    engine.complete(engine.job(), x=20, y=2, z=3)
    second = engine.job("u")
    assert seen(second) == {"x": 20, "y": 2, "z": 3}
    engine.complete(second)
    assert seen(engine.job("after")) == {"x": 1, "y": 2, "z": 3}


def test_a_sub_process_hands_out_what_its_output_mapping_says(engine: Harness) -> None:
    inner = sub_process(
        "sub", start("s"), task("t"), end("e"), flows="s -> t -> e",
        extensions=mapping(inputs={"inner": "= x"}, outputs={"out": "= inner + 1"}),
    )  # fmt: skip
    engine.deploy(model(start(), inner, task("after", "after"), end(), flows="start -> sub -> after -> end"))
    engine.start(x=1)
    engine.complete(engine.job())
    assert seen(engine.job("after")) == {"x": 1, "out": 2}


def test_parallel_branches_do_not_overwrite_each_other(engine: Harness) -> None:
    engine.deploy(
        model(
            start(), parallel("f"), task("a", "a"), task("b", "b"), parallel("j"), task("t"), end(),
            flows="start -> f -> a -> j -> t -> end\nf -> b -> j",
        )
    )  # fmt: skip
    engine.start()
    first, second = engine.job("a"), engine.job("b")
    engine.complete(first, a=1, shared="a")
    engine.complete(second, b=2)
    assert seen(engine.job()) == {"a": 1, "b": 2, "shared": "a"}


def test_variables_of_a_failed_job_are_local_and_seen_by_the_next_activation(engine: Harness) -> None:
    engine.deploy(model(start(), task("t"), task("after", "after"), end(), flows="start -> t -> after -> end"))
    engine.start(x=1)
    engine.fail(engine.job(), retries=2, error={"code": "E"}, x=9)
    again = engine.job()
    assert seen(again) == {"x": 9, "error": {"code": "E"}}
    assert again.job.retries == 2
    engine.complete(again)
    assert seen(engine.job("after")) == {"x": 1}


def test_set_variables_in_the_scope_or_where_they_are_visible(engine: Harness) -> None:
    engine.deploy(model(start(), task("t"), end(), flows="start -> t -> end"))
    key = engine.start(x=1)
    activation = engine.job()
    engine.engine.set_variables(activation.job.element_key, {"x": b"5"}, local=True)
    engine.engine.set_variables(activation.job.element_key, {"x": b"6", "new": b"true"}, local=False)
    assert engine.variables(key) == {"x": 1, "new": True}
    assert engine.variables(activation.job.element_key) == {"x": 6}
    with pytest.raises(Rejection) as refused:
        engine.engine.set_variables(1, {}, local=True)
    assert refused.value.reason is Reason.NOT_FOUND


def test_only_wanted_variables_are_fetched(engine: Harness) -> None:
    engine.deploy(model(start(), task("t", inputs={"a": "= 1"}), end(), flows="start -> t -> end"))
    engine.start(a=0, b=2, c=3)
    (found,) = engine.engine.jobs.activate(ActivationRequest("work", "w", 1000, 1, ("a", "b", "nobody")))
    assert seen(found) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "text", ["0.1", "1.50", "9007199254740993", "-0.0", "1e400", "123456789012345678901234567890.5"]
)
def test_numbers_pass_unchanged(engine: Harness, text: str) -> None:
    engine.deploy(model(start(), task("t", inputs={"same": "= x"}), end(), flows="start -> t -> end"))
    engine.engine.create_instance(engine.engine.definitions.latest("p"), parse_document(f'{{"x":{text}}}'))
    assert engine.job().variables["x"] == text.encode()


@pytest.mark.parametrize("text", ["0.1", "1.50", "9007199254740993"])
def test_numbers_survive_an_expression(engine: Harness, text: str) -> None:
    engine.deploy(model(start(), task("t", inputs={"same": "= x"}), end(), flows="start -> t -> end"))
    engine.engine.create_instance(engine.engine.definitions.latest("p"), parse_document(f'{{"x":{text}}}'))
    assert engine.job().variables["same"] == text.encode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "was 'ARRAY'"),
        ('"x"', "was 'STRING'"),
        ("1", "was 'NUMBER'"),
        ("null", "was 'NIL'"),
        ("true", "was 'BOOLEAN'"),
        ('{"a":', "truncated"),
        ("nonsense", "malformed"),
        ('{"a":' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
    ],
)
def test_variables_that_are_no_object_are_refused(text: str, said: str) -> None:
    with pytest.raises(Rejection, match=said) as refused:
        parse_document(text)
    assert refused.value.reason is Reason.INVALID_ARGUMENT


def test_a_variable_of_a_megabyte_passes(engine: Harness) -> None:
    large = "x" * (1 << 20)
    engine.deploy(
        model(
            start(), task("a", "a", inputs={"copy": "= big"}, outputs={"result": "= r"}), task("b", "b"), end(),
            flows="start -> a -> b -> end",
        )
    )  # fmt: skip
    engine.start(big=large)
    first = engine.job("a")
    assert seen(first) == {"big": large, "copy": large}
    engine.complete(first, r=large)
    assert seen(engine.job("b")) == {"big": large, "result": large}


def test_a_thousand_and_one_variables_are_merged(engine: Harness) -> None:
    engine.deploy(model(start(), task("a", "a"), task("b", "b"), end(), flows="start -> a -> b -> end"))
    engine.start()
    engine.complete(engine.job("a"), **{f"v{number}": number for number in range(1_001)})
    assert len(seen(engine.job("b"))) == 1_001


def test_an_input_mapping_that_fails_is_an_incident_and_can_be_mended(engine: Harness) -> None:
    engine.deploy(
        model(
            start(), task("t", inputs={"y": "= assert(x, x != null)"}), end(), flows="start -> t -> end"
        )
    )  # fmt: skip
    key = engine.start()
    incident = engine.incident()
    assert (incident.type, incident.element_id) == ("IO_MAPPING_ERROR", "t")
    assert engine.jobs() == []
    engine.engine.set_variables(key, {"x": b"1"}, local=False)
    engine.engine.resolve_incident(incident.key)
    assert seen(engine.job()) == {"x": 1, "y": 1}


def test_an_output_mapping_that_fails_keeps_the_result_and_can_be_mended(engine: Harness) -> None:
    engine.deploy(
        model(
            start(), task("t", outputs={"y": "= assert(x, x != null) + r"}), task("after", "after"), end(),
            flows="start -> t -> after -> end",
        )
    )  # fmt: skip
    key = engine.start()
    engine.complete(engine.job(), r=5)
    incident = engine.incident()
    assert incident.type == "IO_MAPPING_ERROR"
    engine.engine.set_variables(key, {"x": b"1"}, local=False)
    engine.engine.resolve_incident(incident.key)
    assert seen(engine.job("after")) == {"x": 1, "y": 6}
    assert engine.incidents() == []


def test_mappings_on_events_and_start(engine: Harness) -> None:
    first = element("startEvent", "start", extensions=mapping(outputs={"y": "= x + 1"}))
    throw = element("intermediateThrowEvent", "i", extensions=mapping(outputs={"z": "= y + 1"}))
    engine.deploy(model(first, throw, task("t"), end(), flows="start -> i -> t -> end"))
    engine.start(x=1)
    assert seen(engine.job()) == {"x": 1, "y": 2, "z": 3}
