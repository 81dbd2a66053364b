"""Rates of agreement with case files.

python -m bench.feel.conformance CASES            # CASES: a folder with *.jsonl, or one file
python -m bench.feel.conformance CASES --fail     # and every case that differs

A case is a line of JSON: ``id``, ``group``, ``expression``, ``context`` (names to tagged values), ``bindings`` (names
and expressions to evaluate first), ``expected`` (a tagged value), ``result_type``. The files stay where they are.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.feel.comparison import Tagged, meets
from coupler import feel
from coupler.errors import FeelError
from coupler.expressions import FUNCTIONS
from coupler.feel import tagged

# These test the coercions of DMN around FEEL, and functions written in Java.
_NOT_SCORED: Final = frozenset(("0082-feel-coercion", "0076-feel-external-java"))


@dataclass(slots=True)
class Rate:
    """How many cases agree, of all and of those that expect a value."""

    all: int = 0
    agreeing: int = 0
    with_value: int = 0
    agreeing_with_value: int = 0

    def count(self, *, agrees: bool, has_value: bool) -> None:
        """Counts one case."""
        self.all += 1
        self.agreeing += agrees
        self.with_value += has_value
        self.agreeing_with_value += agrees and has_value

    def __str__(self) -> str:
        return f"{_share(self.agreeing, self.all)}   non-null {_share(self.agreeing_with_value, self.with_value)}"


def _share(part: int, whole: int) -> str:
    return f"{part:5}/{whole:<5} {100 * part / whole if whole else 100:5.1f} %"


@dataclass(slots=True)
class Score:
    """The outcome of one file."""

    total: Rate = field(default_factory=Rate)
    groups: dict[str, Rate] = field(default_factory=lambda: defaultdict(Rate))
    differences: list[str] = field(default_factory=list)


def score(path: Path) -> Score:
    """Evaluates every scored case of a file."""
    result = Score()
    for case in _cases(path):
        actual, error = evaluate(case)
        agrees = meets(case["expected"], actual, case["result_type"])
        has_value = case["expected"]["type"] != "null"
        result.total.count(agrees=agrees, has_value=has_value)
        result.groups[case["group"]].count(agrees=agrees, has_value=has_value)
        if not agrees:
            shown = error or json.dumps(actual, ensure_ascii=False)
            wanted = json.dumps(case["expected"], ensure_ascii=False)
            result.differences.append(f"{case['id']}: {case['expression']!r} expected {wanted[:200]} got {shown[:200]}")
    return result


def evaluate(case: dict[str, Any]) -> tuple[Tagged | None, str]:
    """The tagged value of a case, or None and the error."""
    context = {name: tagged.decode(value) for name, value in case["context"].items()}
    try:
        for name, expression in case["bindings"]:
            context[name] = _binding(expression, context)
        return tagged.encode(feel.evaluate(case["expression"], context, FUNCTIONS)), ""
    except FeelError as error:
        return None, str(error)


def _binding(expression: str, context: dict[str, Any]) -> Any:
    try:
        return feel.evaluate(expression, context, FUNCTIONS)
    except FeelError:
        return None


def _cases(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            case = json.loads(line)
            if case["group"] not in _NOT_SCORED:
                yield case


def main() -> None:
    """Prints the rates of each file, by group."""
    parser = argparse.ArgumentParser(description="Agreement of FEEL with case files.")
    parser.add_argument("cases", type=Path)
    parser.add_argument("--fail", action="store_true", help="print the cases that differ")
    arguments = parser.parse_args()
    paths = sorted(arguments.cases.glob("*.jsonl")) if arguments.cases.is_dir() else [arguments.cases]
    if not paths:
        parser.error(f"there are no *.jsonl files in {arguments.cases}")
    for path in paths:
        result = score(path)
        for group, rate in sorted(result.groups.items()):
            print(f"{path.stem:20} {group:46} {rate}")
        for difference in result.differences if arguments.fail else ():
            print(f"{path.stem}: {difference}")
        print(f"{path.stem:20} {'ALL':46} {result.total}\n")


if __name__ == "__main__":
    main()
