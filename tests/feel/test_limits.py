"""Hostile expressions: each ends soon, in little memory, with an error that names the limit."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from coupler import feel
from coupler.errors import FeelError
from coupler.feel.limits import DEFAULT, LimitExceeded, Limits


def doubling(first: str, double: str, times: int = 60) -> str:
    entries = ", ".join(f"a{index + 1}: {double.replace('a0', f'a{index}')}" for index in range(times))
    return f"{{a0: {first}, {entries}}}"


HOSTILE: dict[str, tuple[str, str]] = {
    "parentheses": ("(" * 5000 + "1" + ")" * 5000, "nesting_depth"),
    "open parentheses": ("(" * 5000, "nesting_depth"),
    "lists": ("[" * 5000 + "]" * 5000, "nesting_depth"),
    "contexts": ("{a:" * 5000, "nesting_depth"),
    "ranges": ("(" * 90 + "1..", "nesting_depth"),
    "functions": ("not(" * 5000 + "true" + ")" * 5000, "nesting_depth"),
    "filters": ("a" + "[1]" * 5000, "nesting_depth"),
    "nested in": ("1 in (" * 200, "nesting_depth"),
    "conditions": ("if " * 5000, "nesting_depth"),
    "long text": ("1 + " * 50_000 + "1", "text_length"),
    "long loop": ("for i in 1..1000000000 return i", "list_length"),
    "huge loop": ("for i in 1..10 ** 300 return i", "list_length"),
    "nested loops": ("for i in 1..100000, j in 1..100000 return 1", "list_length"),
    "long search": ("some i in 1..1000000000 satisfies i < 0", "steps"),
    "long searches": ("every i in 1..100000, j in 1..100000000 satisfies true", "steps"),
    "loop of contexts": ("for i in 1..200000 return {a: {b: {c: {d: i}}}}", "steps"),
    "string doubling": (doubling('"xxxxxxxxxxxxxxxx"', "a0 + a0"), "string_length"),
    "list doubling": (doubling("[1, 2, 3]", "concatenate(a0, a0)"), "list_length"),
    "shared lists": (doubling("[1, 2, 3]", "[a0, a0]"), "result_size"),
    "shared lists as text": (doubling("[1, 2, 3]", "[a0, a0]", 50).removesuffix("}") + ", t: string(a50)}.t", ""),
    "shared lists flat": (doubling("[1, 2, 3]", "[a0, a0]", 50).removesuffix("}") + ", t: flatten(a50)}.t", "steps"),
    "shared lists equal": (
        doubling("[1, 2, 3]", "[a0, a0]", 50).removesuffix("}") + ", t: a50 = [a49, [a48, a48]]}.t",
        "steps",
    ),
    "partial": ("for i in 1..200000 return partial", "steps"),
    "deep value": ("for i in 1..50000 return [partial[-1]]", ""),
    "power": ("10 ** 999999999", "number_digits"),
    "power of a fraction": ("9.999 ** 999999999", "number_digits"),
    "rounding": ("round up(5.5, 999999999)", "number_digits"),
    "backtracking": (f'matches("{"a" * 5000}!", "(a|aa)+$")', "regex_seconds"),
    "many patterns": ('count(for i in 1..100000 return matches("a", string(i)))', "steps"),
    "huge pattern": ('matches("a", "((a{1000}){1000}){1000}")', "pattern_size"),
    "replacement": (f'replace("{"a" * 5000}", "a", "{"b" * 50000}")', ""),
    "self application": ("{f: function(x) x(x), g: function(h) h(h), r: g(function(x) x(x))}.r", "call_depth"),
    "big sort": ("sort(for i in 1..200000 return [i], function(x, y) x[1] > y[1])", "steps"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_expressions_end_with_the_name_of_the_limit(name: str) -> None:
    text, limit = HOSTILE[name]
    start = time.process_time()

    with pytest.raises(LimitExceeded) as caught:
        feel.to_json(feel.evaluate(text, {"a": [1]}))

    assert time.process_time() - start < 10
    # On a slow machine the clock may be first.
    assert caught.value.limit in (limit, "duration_seconds") or not limit
    assert caught.value.limit in str(caught.value)


BOUNDED = {
    "catastrophic pattern": f'matches("{"a" * 200}!", "(a+)+$")',
    "open loops": "for x in (" * 90,
    "minus signs": "-" * 5000 + "1",
    "long sum": "+".join(["1"] * 20_000),
    "many conditions": "if a = 2 then 1 else " * 2000 + "2",
    "far substring": 'substring("abc", 999999999999999999999)',
    "far sublist": "sublist([1], 10 ** 9000)",
    "large modulo": "modulo(10 ** 9000, 0.7)",
    "large number": 'number("1e999999999")',
    "large duration": '@"P1D" * 10 ** 300',
    "large date": "date(10 ** 300, 1, 1)",
    "deep json": f'from json("{"[" * 50_000}")',
}


@pytest.mark.parametrize("name", BOUNDED)
def test_extreme_expressions_end(name: str) -> None:
    start = time.process_time()
    with contextlib.suppress(FeelError):
        feel.to_json(feel.evaluate(BOUNDED[name], {"a": 1}))
    assert time.process_time() - start < 10


_MEMORY = """
import resource, sys
from coupler import feel
from coupler.errors import FeelError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for text in sys.stdin.read().split("\\0"):
    try:
        feel.to_json(feel.evaluate(text, {"a": [1]}))
    except FeelError:
        pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux only")
def test_hostile_expressions_stay_small() -> None:
    texts = "\0".join([*(text for text, _ in HOSTILE.values()), *BOUNDED.values()])
    done = subprocess.run([sys.executable, "-c", _MEMORY], input=texts, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100  # MiB, over all of them


def test_limits_are_settings() -> None:
    tight = Limits(steps=100)
    expression = feel.compile("for i in 1..1000 return i * 2")
    with pytest.raises(LimitExceeded, match="steps of 100"):
        expression.evaluate({}, limits=tight)
    assert len(expression.evaluate({})) == 1000


def test_limits_of_reading_are_settings() -> None:
    text = "1 + (2 + (3 + 4))"
    with pytest.raises(LimitExceeded, match="text_length of 10"):
        feel.compile(text, Limits(text_length=10))
    with pytest.raises(LimitExceeded, match="nesting_depth of 3"):
        feel.compile(text, Limits(nesting_depth=3))
    assert feel.compile(text).evaluate({}) == 10


def test_numbers_are_limited_by_the_setting() -> None:
    with pytest.raises(LimitExceeded, match="number_digits of 100"):
        feel.compile("10.5 ** 200").evaluate({}, limits=Limits(number_digits=100))


def test_time_is_a_limit() -> None:
    with pytest.raises(LimitExceeded) as caught:
        feel.compile("every i in 1..100000000 satisfies true").evaluate(
            {}, limits=Limits(steps=1_000_000_000, duration_seconds=0.05)
        )
    assert caught.value.limit == "duration_seconds"


async def test_short_evaluations_stay_on_the_loop() -> None:
    threads: list[str] = []
    functions = recording(threads)

    assert await feel.evaluate_async(feel.compile("where(1)"), {}, functions) == 1
    assert threads == [threading.current_thread().name]


async def test_long_evaluations_move_to_a_thread() -> None:
    threads: list[str] = []
    functions = recording(threads)
    text = "{long: count(for i in 1..100000 return i), here: where(1)}"

    assert await feel.evaluate_async(feel.compile(text), {}, functions) == {"long": 100_000, "here": 1}
    assert len(threads) == 1  # the attempt on the loop ended before
    assert threads[0].startswith("feel")


def recording(threads: list[str]) -> feel.Registry:
    functions = feel.Registry("test")

    def where(value: object) -> object:
        threads.append(threading.current_thread().name)
        return value

    functions.add("where(value: any)", "Notes the thread.")(where)
    return functions


async def test_large_results_are_converted_in_a_thread() -> None:
    text = doubling("[1]", "[a0, a0]", 17).removesuffix("}") + "}.a17"  # some 400,000 values of 18 lists
    assert len(await feel.evaluate_json(text, {})) == 2
    with pytest.raises(LimitExceeded, match="result_size"):
        await feel.evaluate_json(text, {}, limits=Limits(result_size=100))


async def test_long_texts_are_read_in_a_thread() -> None:
    threads: list[str] = []
    assert await feel.evaluate_json("where(1)" + " + 1" * 2000, {}, recording(threads)) == 2001
    assert threads[0].startswith("feel")


async def test_json_of_short_texts_comes_from_the_loop() -> None:
    threads: list[str] = []
    assert await feel.evaluate_json('{a: where(1), b: @"PT24H"}', {}, recording(threads)) == {"a": 1, "b": "PT24H"}
    assert threads == [threading.current_thread().name]


async def test_own_limits_hold_on_the_loop_too() -> None:
    with pytest.raises(LimitExceeded, match="steps of 100"):
        await feel.evaluate_json("for i in 1..1000 return i", {}, limits=Limits(steps=100))


async def test_warnings_are_those_of_the_whole_evaluation() -> None:
    warnings: list[tuple[int, str]] = []
    text = "{a: x, b: count(for i in 1..100000 return i), c: y}"
    await feel.evaluate_json(text, {}, warnings=warnings)
    assert [message.split(":")[0] for _, message in warnings] == [
        "there is no variable 'x'",
        "there is no variable 'y'",
    ]


async def test_limits_that_are_not_about_time_are_final() -> None:
    with pytest.raises(LimitExceeded, match="number_digits"):
        await feel.evaluate_async(feel.compile("10 ** 999999999"), {})


async def test_hostile_expressions_do_not_hold_up_the_loop() -> None:
    hostile = feel.compile(f'matches("{"a" * 5000}!", "(a|aa)+$")')
    longest = await longest_pause(lambda: feel.evaluate_async(hostile, {}, limits=Limits(regex_seconds=2.0)))
    assert longest < 1.0  # a few milliseconds in fact; two seconds if the thread kept the interpreter


async def longest_pause(start: Callable[[], object]) -> float:
    """The longest time in which the loop did nothing while an evaluation ran, in seconds."""
    task = asyncio.ensure_future(start())  # type: ignore[call-overload]
    longest, last = 0.0, time.monotonic()
    while not task.done():
        await asyncio.sleep(0.001)
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    with pytest.raises(LimitExceeded):
        await task
    return longest


def test_default_budget_is_documented() -> None:
    import coupler.feel.limits as module

    for name in DEFAULT.__dataclass_fields__:
        value = getattr(DEFAULT, name)
        assert f"{name} " in (module.__doc__ or "")
        assert f"{value:,}" in (module.__doc__ or ""), name
