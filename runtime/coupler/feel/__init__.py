"""FEEL as feel-scala evaluates it: parsed once, compiled to closures, bounded by a budget.

    compile(text)      -> Expression; raises FeelError with a caret under the fault
    evaluate(text, context)
    evaluate_async     on the event loop for about 10 ms, then again in a thread
    evaluate_json      the same from text to plain Python for JSON: what a job needs
    unary(text)        -> UnaryTests, the cells of decision tables
    to_json(value)     a result as plain Python for JSON
    check(text)        what feel-scala would refuse, and what is null whatever the variables are

Contexts are plain decoded JSON: dicts, lists, str, bool, None, int and Decimal. Nothing that an expression can say
reaches a Python attribute, a file or the network. The package knows nothing of jobs: their functions come in through
``functions``.
"""

from __future__ import annotations

from coupler.feel.expression import Expression, UnaryTests, evaluate, strip_marker, unary
from coupler.feel.expression import compile as compile  # noqa: A004
from coupler.feel.jsonable import to_json
from coupler.feel.limits import LimitExceeded, Limits
from coupler.feel.registry import Registry
from coupler.feel.strict import check
from coupler.feel.threads import evaluate_async, evaluate_json

__all__ = [
    "Expression",
    "LimitExceeded",
    "Limits",
    "Registry",
    "UnaryTests",
    "check",
    "compile",
    "evaluate",
    "evaluate_async",
    "evaluate_json",
    "strip_marker",
    "to_json",
    "unary",
]
