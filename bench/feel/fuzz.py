"""Throws expressions at the evaluator: whatever they are, the outcome must be a value or a FEEL error, soon.

python -m bench.feel.fuzz                   # 100,000 expressions
python -m bench.feel.fuzz --count 5000 --seed 7
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from bench.feel.corpus import CONTEXT, CORPUS
from coupler import feel
from coupler.errors import FeelError
from coupler.expressions import FUNCTIONS
from coupler.feel.lexer import tokenize
from coupler.feel.limits import Limits
from coupler.feel.registry import BUILTINS

LIMITS: Final = Limits(steps=20_000, duration_seconds=0.2, regex_seconds=0.02)
_SLOW_SECONDS: Final = 1.0

_ATOMS: Final = (
    *("1", "0", "-1", "1.50", "999999999999999999999999999999999999", '"x"', '""', '"\\d+"', "true", "false", "null"),
    *("a", "b", "s", "n", "list", "response", "response.body.items", "item", "partial", "`x y`", "x", "yes"),
    *('@"2024-02-29"', '@"PT1H"', '@"P1Y2M"', '@"10:00:00Z"', '@"2024-02-29T10:00:00@Europe/Berlin"', '@"x"'),
    *("[]", "{}", "[1, 2, 3]", "{a: 1, b: {c: 2}}", "(> 5)", "(function(x) x)", "10 ** 400", "[1..5]"),
)
_OPERATORS: Final = ("+", "-", "*", "/", "**", "=", "!=", "<", "<=", ">", ">=", "and", "or", "in")
_FRAGMENTS: Final = (
    *_OPERATORS,
    *("(", ")", "[", "]", "{", "}", '"', "`", "@", "?", ".", "..", ",", ":", "->", "1e3", "instance of", "between"),
    *("if", "then", "else", "for", "return", "some", "every", "satisfies", "function", "not", "external"),
)
_FORMS: Final = (
    *("({0})", "[{0}, {1}]", "{{a: {0}, b: {1}}}", "{0}[{1}]", "({0}).a", "if {0} then {1} else {2}", "-({0})"),
    *("for x in ({0}) return {1}", "for x in 1..{0} return {1}", "some x in ({0}) satisfies {1}", "not({0})"),
    *("({0}) in ({1}, {2})", "{0} in [{1}..{2}]", "{{f: function(x) {0}, r: f({1})}}.r", "({0}) instance of number"),
    *("every x in [{0}], y in [{1}] satisfies {2}", "({0}) between ({1}) and ({2})"),
)


@dataclass(slots=True)
class Report:
    """What came out of a run."""

    values: int = 0
    errors: int = 0
    crashes: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0


def expressions(count: int, seed: int) -> Iterator[str]:
    """So many expressions: a third grown from a grammar, a third mutated, a third stitched from tokens."""
    chance = random.Random(seed)
    makers = (_grown, _mutated, _stitched)
    for index in range(count):
        yield makers[index % len(makers)](chance)


def _grown(chance: random.Random, depth: int = 0) -> str:
    if depth > 4 or chance.random() < 0.25:
        return chance.choice(_ATOMS)
    parts = [_grown(chance, depth + 1) for _ in range(3)]
    kind = chance.random()
    if kind < 0.3:
        return f"({parts[0]}) {chance.choice(_OPERATORS)} ({parts[1]})"
    if kind < 0.6:
        overloads = chance.choice(list(BUILTINS.values()))
        overload = chance.choice(overloads)
        arguments = ", ".join(_grown(chance, depth + 2) for _ in overload.parameters)
        return f"{overload.name}({arguments})"
    return chance.choice(_FORMS).format(*parts)


def _mutated(chance: random.Random) -> str:
    text = chance.choice(CORPUS)
    for _ in range(chance.randint(1, 4)):
        place = chance.randint(0, len(text))
        end = min(len(text), place + chance.randint(0, 6))
        put = chance.choice(
            (chance.choice(_FRAGMENTS), chance.choice(_ATOMS), chr(chance.randint(1, 0x2FF)), "", text[place:end] * 2)
        )
        text = text[:place] + put + text[end:]
    return text


def _stitched(chance: random.Random) -> str:
    pieces: list[str] = []
    for _ in range(chance.randint(1, 3)):
        tokens = [token.text for token in tokenize(chance.choice(CORPUS))]
        start = chance.randint(0, len(tokens))
        pieces += tokens[start : start + chance.randint(1, 12)]
        if chance.random() < 0.5:
            pieces.append(chance.choice(_FRAGMENTS))
    return " ".join(pieces)


def run(count: int, seed: int) -> Report:
    """Evaluates so many expressions, each with a small budget."""
    report = Report()
    for text in expressions(count, seed):
        start = time.perf_counter()
        try:
            feel.to_json(feel.compile(text).evaluate(CONTEXT, FUNCTIONS, LIMITS), LIMITS)
            report.values += 1
        except FeelError:
            report.errors += 1
        except Exception as error:  # noqa: BLE001 - finding these is the purpose
            report.crashes.append(f"{text!r}: {error!r}")
        spent = time.perf_counter() - start
        report.slowest_seconds = max(report.slowest_seconds, spent)
        if spent > _SLOW_SECONDS:
            report.slow.append(f"{spent:.2f} s: {text!r}")
    return report


def main() -> int:
    """Prints the report; 1 when anything crashed or was slow."""
    parser = argparse.ArgumentParser(description="Fuzzes FEEL.")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    start = time.process_time()
    report = run(arguments.count, arguments.seed)
    print(
        f"{arguments.count} expressions, seed {arguments.seed}: {report.values} values, {report.errors} FEEL errors, "
        f"{len(report.crashes)} crashes, {len(report.slow)} slow; slowest {report.slowest_seconds:.3f} s, "
        f"{time.process_time() - start:.1f} CPU s"
    )
    for line in (*report.crashes[:20], *report.slow[:20]):
        print(line)
    return 1 if report.crashes or report.slow else 0


if __name__ == "__main__":
    sys.exit(main())
