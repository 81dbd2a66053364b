"""Speed of FEEL beside a plain Python function that does the same; the ratio is what compares machines.

python -m bench.feel            # prints the table of docs/feel.md
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import process_time
from timeit import timeit
from typing import Any, Final, NamedTuple

from bench.feel.corpus import CONTEXT
from coupler import feel
from coupler.expressions import FUNCTIONS
from coupler.feel.compiler import Compiler
from coupler.feel.parser import parse

_ROUNDS: Final = 15
_SECONDS_A_ROUND: Final = 0.03

_ITEMS: Final = [{"name": f"item {index}", "price": index, "open": index % 3 == 0} for index in range(1000)]
_CONTEXT: Final[dict[str, Any]] = {**CONTEXT, "items": _ITEMS}

_ERROR_EXPRESSION: Final = (
    'if error.code = "404" then bpmnError("NOT_FOUND", error.message) '
    'else if error.code = "503" then jobError("again", {}, job.retries - 1, @"PT1M") else null'
)


class Measured(NamedTuple):
    """An expression, the microseconds it may take, and the same in Python."""

    name: str
    text: str
    target_micros: float
    python: Callable[[dict[str, Any]], Any]


MEASURED: Final = (
    Measured("a path", "response.body.id", 1.5, lambda c: c["response"]["body"]["id"]),
    Measured(
        "a result of three entries",
        "{id: response.body.id, status: response.status, when: response.body.when}",
        6.0,
        lambda c: {
            "id": c["response"]["body"]["id"],
            "status": c["response"]["status"],
            "when": c["response"]["body"]["when"],
        },
    ),
    Measured(
        'if error.code = "404"',
        'if error.code = "404" then "gone" else null',
        2.5,
        lambda c: "gone" if c["error"]["code"] == "404" else None,
    ),
    Measured(
        "an error expression",
        _ERROR_EXPRESSION,
        6.0,
        lambda c: (
            {"errorType": "bpmnError", "errorCode": "NOT_FOUND", "errorMessage": c["error"]["message"]}
            if c["error"]["code"] == "404"
            else None
        ),
    ),
    Measured(
        "a filter over 1,000 items",
        "items[price > 500]",
        1500.0,
        lambda c: [item for item in c["items"] if item["price"] > 500],
    ),
    Measured(
        "a loop over 1,000 items",
        "for x in items return x.price * 2",
        1500.0,
        lambda c: [item["price"] * 2 for item in c["items"]],
    ),
)


def micros(*actions: Callable[[], object]) -> list[float]:
    """The best CPU microseconds of one call of each; taken in turns, so that a busy machine is unfair to none."""
    numbers = [_calls(action) for action in actions]
    best = [float("inf")] * len(actions)
    for _ in range(_ROUNDS):
        for index, action in enumerate(actions):
            taken = timeit(action, number=numbers[index], timer=process_time)
            best[index] = min(best[index], taken / numbers[index] * 1e6)
    return best


def _calls(action: Callable[[], object]) -> int:
    """How many calls take a round."""
    number = 1
    while (taken := timeit(action, number=number, timer=process_time)) < _SECONDS_A_ROUND / 2:
        number = max(number * 2, int(number * _SECONDS_A_ROUND / max(taken, 1e-6)) // 2)
    return number


def main() -> int:
    """Prints the table."""
    print(f"| Python {sys.version_info.major}.{sys.version_info.minor} | µs | target µs | times plain Python |")
    print("| --- | ---: | ---: | ---: |")
    for name, text, target, python in MEASURED:
        expression = feel.compile(text)
        with_feel, plain = micros(
            lambda expression=expression: expression.evaluate(_CONTEXT, FUNCTIONS),  # type: ignore[misc]
            lambda python=python: python(_CONTEXT),  # type: ignore[misc]
        )
        print(f"| {name} | {with_feel:.2f} | {target:g} | {with_feel / plain:.1f} |")
    (parsed,) = micros(lambda: Compiler().compile(parse(_ERROR_EXPRESSION)))
    print(f"| reading that error expression, {len(_ERROR_EXPRESSION)} characters | {parsed:.1f} | 120 | |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
