"""Damaged models: either refused with a reason, or run without a fault of the engine."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from coupler.embedded.rejection import Reason, Rejection
from tests.embedded.bpmn import (
    boundary,
    catch,
    element,
    end,
    error,
    exclusive,
    loop,
    mapping,
    message,
    model,
    parallel,
    start,
    sub_process,
    task,
    timer,
)
from tests.embedded.harness import Harness
from tests.embedded.test_random_models import step

RICH = model(
    start(),
    parallel("fork"),
    parallel("join"),
    exclusive("choice", default="p_choice_b"),
    task("a", inputs={"x.y": "= 1"}, outputs={"z": "= x.y"}),
    task("b", loop=loop('inputCollection="= [1]" inputElement="i" outputCollection="o" outputElement="= i"')),
    boundary("caught", "a", error("A")),
    boundary("late", "b", timer("PT1M"), interrupting=False),
    catch("m", message("m")),
    catch("t", timer("PT1S"), extensions=mapping(outputs={"v": "= 1"})),
    sub_process("s", start("s1"), task("s2"), end("s3", error("A")), flows="s1 -> s2 -> s3"),
    boundary("outer", "s", error()),
    element("callActivity", "call", extensions='<zeebe:calledElement processId="p"/>'),
    end(),
    end("stop", "<bpmn:terminateEventDefinition/>"),
    flows="""
        start -> fork -> choice -> [= id = "1"] a -> join -> end
        choice -> b -> m -> join
        fork -> t -> s -> join
        caught -> end
        late -> stop
        outer -> join
    """,
    messages={"m": "= id"},
).decode()
TOKENS = re.findall(r'<[^<>]*>|"[^"]*"|[^<>"]+', RICH)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """The model with some of its tags, attributes and texts removed, doubled or swapped."""
    tokens = list(TOKENS)
    for _ in range(draw(st.integers(1, 4))):
        here, there = draw(st.integers(0, len(tokens) - 1)), draw(st.integers(0, len(tokens) - 1))
        match draw(st.sampled_from(["remove", "double", "swap", "attribute", "rename"])):
            case "remove":
                tokens[here] = ""
            case "double":
                tokens.insert(here, tokens[here])
            case "swap":
                tokens[here], tokens[there] = tokens[there], tokens[here]
            case "attribute":
                tokens[here] = re.sub(r' \w+="[^"]*"', "", tokens[here], count=1)
            case _:
                other = re.findall(r'="([^"]*)"', tokens[there]) or ["x"]
                tokens[here] = re.sub(r'="[^"]*"', f'="{other[0]}"', tokens[here], count=draw(st.integers(1, 3)))
    return "".join(tokens).encode()


def started(engine: Harness, content: bytes) -> int | Reason:
    """Deploys and starts; the key of the instance, or why not."""
    try:
        process_id = engine.engine.deploy([("p.bpmn", content)])[1][0].process_id
        return engine.start(process_id, id="1")
    except Rejection as rejection:
        return rejection.reason


@settings(max_examples=400, deadline=None)
@given(damaged())
def test_a_damaged_model_is_refused_or_runs(content: bytes) -> None:
    with Harness() as engine:
        key = started(engine, content)
        if isinstance(key, Reason):
            assert key in (Reason.INVALID_ARGUMENT, Reason.INVALID_STATE)
            return
        for number in range(15):
            if engine.state(key) == "active":
                step(engine, ["complete", "throw", "fail"][number % 3], number)
        if engine.state(key) == "active":
            engine.engine.cancel_instance(key)
            engine.settle()
        assert engine.leftovers() == {}
