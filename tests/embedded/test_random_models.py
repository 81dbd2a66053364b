"""Random block-structured models with workers in random moods: every instance ends, and nothing is left behind."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from coupler.embedded.job_commands import Activation
from tests.embedded.bpmn import (
    boundary,
    catch,
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

Block = tuple[object, ...]

LEAF = st.sampled_from(["job", "risky", "timer", "message", "loop", "late"]).map(lambda kind: (kind,))
BLOCKS = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.tuples(st.just("sequence"), inner, inner),
        st.tuples(st.just("both"), inner, inner),
        st.tuples(st.just("either"), inner, inner),
        st.tuples(st.just("sub"), inner),
        st.tuples(st.just("guarded"), inner),
    ),
    max_leaves=8,
)


@dataclass
class Drawing:
    """Turns blocks into the elements and flows of one scope."""

    numbers: Iterator[int]
    parts: list[str] = field(default_factory=list)
    flows: list[str] = field(default_factory=list)

    def block(self, block: Block) -> tuple[str, str]:
        """Adds a block; returns its first and last element."""
        kind, name = str(block[0]), f"{block[0]}{next(self.numbers)}"
        match block[1:]:
            case (inner,):
                return self._sub(name, inner, guarded=kind == "guarded")  # type: ignore[arg-type]
            case (first, second) if kind == "sequence":
                (a, b), (c, d) = self.block(first), self.block(second)  # type: ignore[arg-type]
                self.flows.append(f"{b} -> {c}")
                return a, d
            case (first, second):
                return self._split(name, kind == "both", first, second)  # type: ignore[arg-type]
            case _:
                return self._leaf(kind, name)

    def _split(self, name: str, both: bool, first: Block, second: Block) -> tuple[str, str]:
        gateway = parallel if both else exclusive
        self.parts += [gateway(f"{name}_s"), gateway(f"{name}_j")]
        for (a, b), condition in zip((self.block(first), self.block(second)), ("= odd", "= not(odd)"), strict=True):
            self.flows += [f"{name}_s -> {'' if both else f'[{condition}] '}{a}", f"{b} -> {name}_j"]
        return f"{name}_s", f"{name}_j"

    def _sub(self, name: str, inner: Block, guarded: bool) -> tuple[str, str]:
        scope = Drawing(self.numbers)
        first, last = scope.block(inner)
        scope.flows += [f"{name}_in -> {first}", f"{last} -> {name}_out"]
        content = (start(f"{name}_in"), *scope.parts, end(f"{name}_out"))
        self.parts.append(
            sub_process(
                name, *content, flows="\n".join(scope.flows), extensions=mapping({"own": "= 1"}, {"out": "= own"})
            )
        )
        if not guarded:
            return name, name
        self.parts += [boundary(f"{name}_b", name, error("A")), exclusive(f"{name}_m")]
        self.flows += [f"{name} -> {name}_m", f"{name}_b -> {name}_m"]
        return name, f"{name}_m"

    def _leaf(self, kind: str, name: str) -> tuple[str, str]:
        if kind in ("timer", "message"):
            self.parts.append(catch(name, timer("PT10S") if kind == "timer" else message("m")))
            return name, name
        characteristics = loop('inputCollection="= [1, 2, 3]" inputElement="item"') if kind == "loop" else ""
        self.parts.append(task(name, loop=characteristics, inputs={"own": "= 2"}))
        if kind not in ("risky", "late"):
            return name, name
        event = error("A") if kind == "risky" else timer("PT5S")
        self.parts += [boundary(f"{name}_b", name, event), exclusive(f"{name}_m")]
        self.flows += [f"{name} -> {name}_m", f"{name}_b -> {name}_m"]
        return name, f"{name}_m"


def draw(block: Block) -> bytes:
    """The model of a block."""
    drawing = Drawing(itertools.count())
    first, last = drawing.block(block)
    flows = "\n".join([*drawing.flows, f"start -> {first}", f"{last} -> end"])
    return model(start(), *drawing.parts, end(), flows=flows, messages={"m": "= id"})


def work(engine: Harness, activation: Activation, mood: str) -> None:
    """One worker in one mood."""
    match mood:
        case "throw":
            engine.throw(activation, "A")
        case "fail":
            engine.fail(activation, retries=1, backoff_ms=1_000, own=3)
        case "give up":
            engine.fail(activation, retries=0)
        case _:
            engine.complete(activation, result=1)


def step(engine: Harness, mood: str, pick: int) -> None:
    """Does whatever can be done: one job, else an incident, else messages and time."""
    jobs = engine.jobs(lease_ms=2_000)
    if jobs:
        work(engine, jobs[pick % len(jobs)], mood)
        return
    for incident in engine.incidents():
        engine.engine.resolve_incident(incident.key)
    engine.publish("m", "1")
    engine.advance(5_000)


@settings(max_examples=150, deadline=None)
@given(BLOCKS, st.booleans(), st.lists(st.sampled_from(["complete", "throw", "fail", "give up"]), max_size=20))
def test_every_instance_ends_and_leaves_nothing(block: Block, odd: bool, moods: list[str]) -> None:
    with Harness() as engine:
        engine.deploy(draw(block))
        key = engine.start(id="1", odd=odd)
        for number, mood in enumerate((*moods, *(["complete"] * 400))):
            if engine.state(key) != "active":
                break
            step(engine, mood, number * 7)
        assert engine.state(key) == "completed"
        assert engine.leftovers() == {}


@settings(max_examples=25, deadline=None)
@given(BLOCKS, st.booleans(), st.lists(st.sampled_from(["complete", "throw", "fail", "give up"]), max_size=10))
def test_it_makes_no_difference_when_the_engine_starts_anew_at_each_step(
    block: Block, odd: bool, moods: list[str]
) -> None:
    with TemporaryDirectory() as folder, Harness(Path(folder) / "engine.db") as engine:
        engine.deploy(draw(block))
        key = engine.start(id="1", odd=odd)
        for number, mood in enumerate((*moods, *(["complete"] * 400))):
            if engine.state(key) != "active":
                break
            engine.reopen()
            step(engine, mood, number * 7)
        assert engine.state(key) == "completed"
        assert engine.leftovers() == {}


@settings(max_examples=100, deadline=None)
@given(BLOCKS, st.booleans(), st.integers(0, 12))
def test_cancelling_at_any_moment_leaves_nothing(block: Block, odd: bool, steps: int) -> None:
    with Harness() as engine:
        engine.deploy(draw(block))
        key = engine.start(id="1", odd=odd)
        for number in range(steps):
            step(engine, "complete", number)
        if engine.state(key) == "active":
            engine.engine.cancel_instance(key)
        assert engine.leftovers() == {}
