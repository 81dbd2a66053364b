"""Timers and messages."""

from __future__ import annotations

import pytest

from coupler.embedded.rejection import Reason, Rejection
from tests.embedded.bpmn import (
    boundary,
    catch,
    element,
    end,
    mapping,
    message,
    model,
    parallel,
    start,
    sub_process,
    task,
    timer,
)
from tests.embedded.harness import NOON, Harness, seen

WAIT_FOR_PAYMENT = model(
    start(), catch("paid", message("payment")), task("t"), end(),
    flows="start -> paid -> t -> end", messages={"payment": "= order"},
)  # fmt: skip
STARTED_BY_ORDER = model(
    start(content=message("order")), task("t"), end(), flows="start -> t -> end", messages={"order": ""}
)


@pytest.mark.parametrize(
    ("text", "form", "waits_ms"),
    [
        ("PT1.5S", "timeDuration", 1_500),
        ("= pause", "timeDuration", 60_000),
        ('= duration("PT2H")', "timeDuration", 7_200_000),
        ("P1D", "timeDuration", 86_400_000),
        ("2030-03-17T17:46:45Z", "timeDate", 5_000),
        ("2030-03-17T18:46:45+01:00", "timeDate", 5_000),
        ('= date and time("2030-03-17T17:46:45Z")', "timeDate", 5_000),
    ],
)
def test_a_timer_catch_event_waits(engine: Harness, text: str, form: str, waits_ms: int) -> None:
    engine.deploy(model(start(), catch("c", timer(text, form)), end(), flows="start -> c -> end"))
    key = engine.start(pause="PT1M")
    assert engine.due == [NOON + waits_ms]
    engine.advance(waits_ms - 1)
    assert engine.state(key) == "active"
    engine.advance(1)
    assert engine.state(key) == "completed"
    assert engine.leftovers() == {}


def test_a_timer_whose_expression_is_no_duration_is_an_incident(engine: Harness) -> None:
    engine.deploy(model(start(), catch("c", timer("= x")), end(), flows="start -> c -> end"))
    key = engine.start(x="soon")
    incident = engine.incident()
    assert incident.type == "EXTRACT_VALUE_ERROR"
    assert "'soon' is not an ISO 8601 duration" in incident.message
    engine.engine.set_variables(key, {"x": b'"PT1S"'}, local=False)
    engine.engine.resolve_incident(incident.key)
    engine.advance(1_000)
    assert engine.state(key) == "completed"


def test_an_interrupting_timer_ends_its_task(engine: Harness) -> None:
    engine.deploy(
        model(
            start(), task("t"), boundary("late", "t", timer("PT1M")), task("after", "after"), end(),
            flows="start -> t -> end\nlate -> after -> end",
        )
    )  # fmt: skip
    key = engine.start()
    activation = engine.job()
    engine.advance(60_000)
    assert engine.active(key) == ["after"]
    with pytest.raises(Rejection) as refused:
        engine.complete(activation)
    assert refused.value.reason is Reason.NOT_FOUND


def test_a_timer_stops_when_its_task_ends_first(engine: Harness) -> None:
    engine.deploy(
        model(start(), task("t"), boundary("late", "t", timer("PT1M")), end(), flows="start -> t -> end\nlate -> end")
    )
    engine.start()
    engine.complete(engine.job())
    assert engine.leftovers() == {}


def test_a_non_interrupting_cycle_adds_a_token_each_time(engine: Harness) -> None:
    remind = boundary("remind", "t", timer("R2/PT10S", "timeCycle"), interrupting=False)
    engine.deploy(
        model(
            start(), task("t"), remind, task("mail", "mail"), end(), flows="start -> t -> end\nremind -> mail -> end"
        )
    )  # fmt: skip
    key = engine.start()
    for count in (1, 2, 2):
        engine.advance(10_000)
        assert engine.engine.store.elements.active_ids(key).count("t") == 1
        total = engine.engine.store.jobs.count_by_state()["ready"]
        assert total == 1 + count
    for activation in (*engine.jobs("mail"), engine.job()):
        assert engine.state(key) == "active"
        engine.complete(activation)
    assert engine.state(key) == "completed"


def test_a_clock_far_ahead_fires_a_cycle_for_each_interval(engine: Harness) -> None:
    remind = boundary("remind", "t", timer("R3/PT10S", "timeCycle"), interrupting=False)
    engine.deploy(
        model(start(), task("t"), remind, task("mail", "mail"), end(), flows="start -> t -> end\nremind -> mail -> end")
    )
    engine.start()
    engine.advance(1_000_000)
    assert len(engine.jobs("mail")) == 3


def test_a_message_goes_to_the_instance_with_its_correlation_key(engine: Harness) -> None:
    engine.deploy(WAIT_FOR_PAYMENT)
    first, second = engine.start(order="A"), engine.start(order="B")
    engine.publish("payment", "B", amount=5)
    assert (engine.active(first), engine.active(second)) == (["paid"], ["t"])
    assert seen(engine.job()) == {"order": "B", "amount": 5}


def test_a_number_is_a_correlation_key_too_and_anything_else_is_an_incident(engine: Harness) -> None:
    engine.deploy(WAIT_FOR_PAYMENT)
    key = engine.start(order=7)
    engine.publish("payment", "7")
    assert engine.active(key) == ["t"]
    engine.start()
    incident = engine.incident()
    assert incident.type == "EXTRACT_VALUE_ERROR"
    assert "correlation key for 'order'" in incident.message
    assert "was 'NULL'" in incident.message


def test_a_message_is_kept_for_its_time_to_live_and_correlated_once_a_process(engine: Harness) -> None:
    engine.deploy(WAIT_FOR_PAYMENT)
    engine.publish("payment", "A", ttl_ms=1_000, amount=5)
    engine.publish("payment", "B", ttl_ms=0)
    first = engine.start(order="A")
    assert engine.active(first) == ["t"]
    assert engine.active(engine.start(order="A")) == ["paid"], "had by the instance before"
    assert engine.active(engine.start(order="B")) == ["paid"], "not kept at all"
    engine.publish("payment", "C", ttl_ms=1_000)
    engine.advance(1_000)
    assert engine.active(engine.start(order="C")) == ["paid"], "gone"


def test_one_message_reaches_one_instance_of_each_process(engine: Harness) -> None:
    engine.deploy(WAIT_FOR_PAYMENT)
    other = model(
        start(), catch("c", message("payment")), end(), flows="start -> c -> end", process_id="q",
        messages={"payment": "= order"},
    )  # fmt: skip
    engine.deploy(other, "q.bpmn")
    first, second, third = engine.start(order="A"), engine.start(order="A"), engine.start("q", order="A")
    engine.publish("payment", "A")
    assert (engine.active(first), engine.active(second), engine.state(third)) == (["t"], ["paid"], "completed")


def test_a_message_id_is_taken_while_the_message_is_kept(engine: Harness) -> None:
    engine.publish("payment", "A", ttl_ms=1_000, message_id="1")
    with pytest.raises(Rejection) as refused:
        engine.publish("payment", "A", ttl_ms=1_000, message_id="1")
    assert refused.value.reason is Reason.ALREADY_EXISTS
    engine.publish("payment", "B", ttl_ms=1_000, message_id="1")
    engine.advance(1_000)
    engine.publish("payment", "A", ttl_ms=1_000, message_id="1")


def test_an_interrupting_message_ends_a_sub_process(engine: Harness) -> None:
    inner = sub_process("sub", start("s"), task("t"), end("e"), flows="s -> t -> e")
    engine.deploy(
        model(
            start(), inner, boundary("stop", "sub", message("stop")), task("after", "after"), end(),
            flows="start -> sub -> end\nstop -> after -> end", messages={"stop": "= id"},
        )
    )  # fmt: skip
    key = engine.start(id="1")
    engine.publish("stop", "1", why="bored")
    assert engine.active(key) == ["after"]
    assert seen(engine.job("after")) == {"id": "1", "why": "bored"}


def test_a_non_interrupting_message_comes_any_number_of_times(engine: Harness) -> None:
    engine.deploy(
        model(
            start(), task("t"), boundary("note", "t", message("note"), interrupting=False), task("n", "n"), end(),
            flows="start -> t -> end\nnote -> n -> end", messages={"note": "= id"},
        )
    )  # fmt: skip
    key = engine.start(id="1")
    for number in range(3):
        engine.publish("note", "1", number=number)
    assert len(engine.jobs("n")) == 3
    assert engine.active(key) == ["n", "t"]


def test_boundary_events_are_mapped(engine: Harness) -> None:
    stop = boundary("stop", "t", message("stop"), extensions=mapping(outputs={"reason": "= why"}))
    engine.deploy(
        model(
            start(), task("t"), stop, task("after", "after"), end(),
            flows="start -> t -> end\nstop -> after -> end", messages={"stop": "= id"},
        )
    )  # fmt: skip
    engine.start(id="1")
    engine.publish("stop", "1", why="bored")
    assert seen(engine.job("after")) == {"id": "1", "reason": "bored"}


def test_a_receive_task_waits_for_its_message(engine: Harness) -> None:
    receive = element("receiveTask", "r", attributes='messageRef="message_m"')
    engine.deploy(model(start(), receive, end(), flows="start -> r -> end", messages={"m": "= id"}))
    key = engine.start(id="1")
    engine.publish("m", "1")
    assert engine.state(key) == "completed"


def test_a_message_starts_a_process(engine: Harness) -> None:
    engine.deploy(STARTED_BY_ORDER)
    engine.publish("order", number=7)
    engine.publish("order", number=8)
    assert [seen(a) for a in engine.jobs()] == [{"number": 7}, {"number": 8}]
    with pytest.raises(Rejection, match="no such event") as refused:
        engine.start()
    assert refused.value.reason is Reason.INVALID_STATE


def test_only_the_newest_version_is_started_by_a_message(engine: Harness) -> None:
    engine.deploy(STARTED_BY_ORDER)
    engine.deploy(model(start(content=message("other")), end(), flows="start -> end", messages={"other": ""}))
    engine.publish("order")
    assert engine.jobs() == []


def test_a_correlation_key_starts_one_instance_at_a_time(engine: Harness) -> None:
    engine.deploy(STARTED_BY_ORDER)
    engine.publish("order", "A", ttl_ms=60_000, number=1)
    engine.publish("order", "A", ttl_ms=60_000, number=2)
    engine.publish("order", "B", number=3)
    first, second = engine.jobs()
    assert (seen(first), seen(second)) == ({"number": 1}, {"number": 3})
    engine.complete(first)
    assert seen(engine.job()) == {"number": 2}


def test_waiting_costs_little_and_nothing_is_left(engine: Harness) -> None:
    engine.deploy(WAIT_FOR_PAYMENT)
    for number in range(10_000):
        engine.start(order=number)
    pages = engine.engine.store.database.execute("PRAGMA page_count").fetchone()[0]
    assert pages * 4096 < 10 * (1 << 20)
    engine.publish("payment", "7777")
    assert seen(engine.job()) == {"order": 7777}


def test_timers_of_both_branches(engine: Harness) -> None:
    engine.deploy(
        model(
            start(), parallel("f"), catch("a", timer("PT1S")), catch("b", timer("PT2S")), parallel("j"), end(),
            flows="start -> f -> a -> j -> end\nf -> b -> j",
        )
    )  # fmt: skip
    key = engine.start()
    engine.advance(1_000)
    assert engine.active(key) == ["b"]
    engine.advance(1_000)
    assert engine.state(key) == "completed"
