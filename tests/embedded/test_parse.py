"""What is refused at deployment, and how it is said."""

from __future__ import annotations

import pytest

from coupler.embedded.bpmn.parse import parse_resource
from coupler.embedded.bpmn.problems import ModelError
from coupler.embedded.rejection import Reason, Rejection
from tests.embedded.bpmn import (
    boundary,
    catch,
    document,
    element,
    end,
    exclusive,
    message,
    model,
    one_task,
    process,
    start,
    sub_process,
    task,
    timer,
)
from tests.embedded.harness import Harness


def around(part: str, element_id: str = "x", extra: str = "") -> bytes:
    """start -> the element -> end."""
    return model(start(), part, extra, end(), flows=f"start -> {element_id} -> end")


REFUSED = {
    "user task": (around(element("userTask", "x")), "userTask 'x': is not supported"),
    "inclusive gateway": (around(element("inclusiveGateway", "x")), "inclusiveGateway 'x': is not supported"),
    "event-based gateway": (around(element("eventBasedGateway", "x")), "eventBasedGateway 'x': is not supported"),
    "transaction": (around(element("transaction", "x")), "transaction 'x': is not supported"),
    "signal": (around(catch("x", "<bpmn:signalEventDefinition/>")), "intermediateCatchEvent 'x': the kind 'signal' is"),
    "two definitions": (around(catch("x", timer("PT1S") + message("m"))), "'timer and message' is not supported"),
    "timer start": (
        model(start(content=timer("PT1S")), end(), flows="start -> end"), "startEvent 'start': the kind 'timer' is not",
    ),
    "no task definition": (around(element("serviceTask", "x")), "serviceTask 'x': needs a zeebe:taskDefinition"),
    "listeners": (
        around(task("x").replace("<zeebe:taskHeaders>", "<zeebe:executionListeners/><zeebe:taskHeaders>")),
        "serviceTask 'x': zeebe:executionListeners is not supported",
    ),
    "decision": (
        around(element("businessRuleTask", "x", extensions='<zeebe:calledDecision decisionId="d"/>')),
        "businessRuleTask 'x': zeebe:calledDecision is not supported",
    ),
    "listeners of the process": (
        one_task().replace(
            b'<bpmn:startEvent id="start">',
            b"<bpmn:extensionElements><zeebe:executionListeners/></bpmn:extensionElements>"
            b'<bpmn:startEvent id="start">',
        ),
        "process 'p': zeebe:executionListeners is not supported",
    ),
    "standard loop": (around(task("x", loop="<bpmn:standardLoopCharacteristics/>")), "standard loops are not"),
    "no collection": (around(task("x", loop="<bpmn:multiInstanceLoopCharacteristics/>")), "needs a zeebe:loopCharact"),
    "event sub-process": (
        model(
            start(), sub_process("x", start("s"), flows="").replace('id="x"', 'id="x" triggeredByEvent="true"'), end(),
            flows="start -> end",
        ),
        "subProcess 'x': event sub-processes are not supported",
    ),
    "bad expression": (around(task("x", inputs={"y": "= 1 +"})), "input mapping to 'y': the expression cannot be read"),
    "bad condition": (
        model(start(), exclusive("g"), end(), flows="start -> g -> [= (] end"), "sequenceFlow 'p_g_end': condition",
    ),
    "flow without a condition": (
        model(start(), exclusive("g"), end("a"), end("b"), flows="start -> g -> [= true] a\ng -> b"),
        "exclusiveGateway 'g': the flow 'p_g_b' needs a condition",
    ),
    "condition elsewhere": (
        model(start(), task("x"), end(), flows="start -> x -> [= true] end"),
        "only on the way out of an exclusive gateway",
    ),
    "foreign default": (
        model(start(), exclusive("g", default="nope"), end(), flows="start -> g -> end"), "its default flow 'nope'",
    ),
    "bad duration": (around(catch("x", timer("10 s"))), "timeDuration: '10 s' is not an ISO 8601 duration"),
    "bad date": (around(catch("x", timer("tomorrow", "timeDate"))), "timeDate: 'tomorrow' is not an ISO 8601 date"),
    "cycle that interrupts": (
        model(
            start(), task("t"), boundary("x", "t", timer("R/PT1S", "timeCycle")), end(),
            flows="start -> t -> end\nx -> end",
        ),
        "boundaryEvent 'x': a cycle makes sense only",
    ),
    "cron": (
        model(
            start(), task("t"), boundary("x", "t", timer("0 0 * * * *", "timeCycle"), interrupting=False), end(),
            flows="start -> t -> end\nx -> end",
        ),
        "not an ISO 8601 repeating interval",
    ),
    "no message": (around(catch("x", message("nobody"))), "needs a messageRef to a message with a name"),
    "no correlation key": (
        model(start(), catch("x", message("m")), end(), flows="start -> x -> end", messages={"m": ""}),
        "the message 'm' needs a zeebe:subscription correlationKey",
    ),
    "unknown error": (
        around(end("x", '<bpmn:errorEventDefinition errorRef="nobody"/>')), "endEvent 'x': errorRef 'nobody'",
    ),
    "error without a code": (
        model(start(), end("x", "<bpmn:errorEventDefinition/>"), flows="start -> x"), "needs an errorRef to an error",
    ),
    "boundary of nothing": (
        model(start(), boundary("x", "gone", timer("PT1S")), end(), flows="start -> end\nx -> end"),
        "boundaryEvent 'x': attachedToRef 'gone' is not an activity",
    ),
    "boundary of a gateway": (
        model(start(), exclusive("g"), boundary("x", "g", timer("PT1S")), end(), flows="start -> g -> end\nx -> end"),
        "exclusiveGateway 'g': boundary events can be attached to activities only",
    ),
    "flow to nowhere": (model(start(), flows="start -> nowhere"), "sequenceFlow 'p_start_nowhere': its sourceRef"),
    "two starts": (model(start("a"), start("b"), end(), flows="a -> end\nb -> end"), "more than one none start event"),
    "no start": (model(end(), flows=""), "process 'p': needs a start event"),
    "same id twice": (model(start(), end("x"), end("x"), flows="start -> x"), "another element has the same id"),
    "empty target": (around(task("x", inputs={"a..b": "= 1"})), "the input mapping has no valid target: 'a..b'"),
    "not executable": (one_task().replace(b'"true"', b'"false"', 1), "no process with isExecutable"),
    "not BPMN": (b"<html/>", "the root element is not bpmn:definitions"),
    "not XML": (b"<bpmn", "line 1, column 1: not well-formed XML"),
    "empty": (b"", "not well-formed XML: no element found"),
    "same process twice": (document(process(start(), flows=""), process(start("s"), flows="")), "two processes"),
    "nested without end": (b"<a>" * 100_000, "nested deeper than 200"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_with_type_and_id(case: str) -> None:
    content, said = REFUSED[case]
    with pytest.raises(ModelError) as refused:
        parse_resource("file.bpmn", content)
    text = str(refused.value)
    assert text.startswith("'file.bpmn' cannot be deployed:")
    assert said in text


def test_all_problems_are_named_at_once() -> None:
    parts = (start(), element("userTask", "a"), element("serviceTask", "b"), end())
    content = model(*parts, flows="start -> a -> b -> end")
    with pytest.raises(ModelError) as refused:
        parse_resource("file.bpmn", content)
    assert "userTask 'a'" in str(refused.value)
    assert "serviceTask 'b'" in str(refused.value)
    assert "line 1:" in str(refused.value)


def test_a_user_task_is_one_problem_whatever_it_has() -> None:
    with pytest.raises(ModelError) as refused:
        parse_resource(
            "file.bpmn", around(element("userTask", "x", extensions="<zeebe:userTask/><zeebe:taskSchedule/>"))
        )
    assert str(refused.value).count("userTask 'x'") == 1


def test_a_form_at_a_start_event_has_no_effect(engine: Harness) -> None:
    form = element("startEvent", "start", extensions='<zeebe:formDefinition formId="f"/>')
    engine.deploy(model(form, end(), flows="start -> end"))
    assert engine.state(engine.start()) == "completed"


@pytest.mark.parametrize(
    "declaration",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd">',
        b"<!DOCTYPE x>",
    ],
)
def test_document_types_are_refused(declaration: bytes) -> None:
    content = one_task().replace(b"<bpmn:definitions", declaration + b"<bpmn:definitions", 1)
    with pytest.raises(ModelError, match="document type declaration"):
        parse_resource("file.bpmn", content)


def test_several_processes_in_a_file_and_those_not_executable_left_out(engine: Harness) -> None:
    content = document(
        process(start("a"), end("b"), flows="a -> b", process_id="one"),
        process(start("c"), end("d"), flows="c -> d", process_id="two"),
        '<bpmn:process id="sketch"><bpmn:userTask id="u"/></bpmn:process>',
    )
    _, deployed = engine.engine.deploy([("both.bpmn", content)])
    assert [(d.process_id, d.version) for d in deployed] == [("one", 1), ("two", 1)]
    assert engine.state(engine.start("two")) == "completed"


def test_versions_count_and_an_identical_resource_keeps_its_own(engine: Harness) -> None:
    first = engine.deploy(one_task("a"))
    assert engine.deploy(one_task("a")) == first
    second = engine.deploy(one_task("b"))
    assert engine.engine.definitions.get(second).version == 2
    assert engine.engine.definitions.latest("p").key == second
    assert engine.engine.definitions.latest("p", 1).key == first
    third = engine.deploy(one_task("a"))
    assert engine.engine.definitions.get(third).version == 3, "compared with the newest only"
    assert engine.engine.definitions.content(first) == one_task("a")


def test_instances_go_on_with_the_version_they_started_with(engine: Harness) -> None:
    engine.deploy(one_task("a"))
    key = engine.start()
    engine.deploy(model(start(), task("task", "b"), task("more", "b"), end(), flows="start -> task -> more -> end"))
    engine.complete(engine.job("a"))
    assert engine.state(key) == "completed"


def test_a_refused_deployment_leaves_nothing(engine: Harness) -> None:
    with pytest.raises(Rejection) as refused:
        engine.engine.deploy([("good.bpmn", one_task()), ("bad.bpmn", REFUSED["user task"][0])])
    assert refused.value.reason is Reason.INVALID_ARGUMENT
    assert "'bad.bpmn' cannot be deployed" in refused.value.message
    with pytest.raises(Rejection) as refused:
        engine.start()
    assert refused.value.reason is Reason.NOT_FOUND


def test_what_only_describes_is_ignored() -> None:
    extra = (
        '<bpmn:laneSet id="l"/><bpmn:textAnnotation id="a"/><bpmn:association id="b"/><bpmn:documentation/>'
        '<bpmn:dataObject id="d"/><other xmlns="http://somewhere"/>'
    )
    templated = task("x").replace("<bpmn:serviceTask ", '<bpmn:serviceTask zeebe:modelerTemplate="t" ', 1)
    (found,) = parse_resource("file.bpmn", around(templated, extra=extra))
    assert set(found.elements) == {"p", "start", "x", "end"}
