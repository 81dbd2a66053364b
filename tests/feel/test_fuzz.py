"""Whatever an expression is, the outcome is a value or a FEEL error."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.feel.corpus import CONTEXT, CORPUS
from bench.feel.fuzz import LIMITS, expressions, run
from coupler import feel
from coupler.errors import FeelError
from coupler.expressions import FUNCTIONS
from coupler.feel.explain import explain_text
from coupler.feel.strict import check

WORDS = st.sampled_from(
    sorted({word for text in CORPUS for word in text.replace("(", " ( ").replace(")", " ) ").split()})
)


def attempt(text: str) -> None:
    with contextlib.suppress(FeelError):
        feel.to_json(feel.compile(text).evaluate(CONTEXT, FUNCTIONS, LIMITS), LIMITS)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    attempt(text)


@settings(max_examples=1000, deadline=None)
@given(st.lists(WORDS, max_size=15).map(" ".join))
def test_any_words(text: str) -> None:
    attempt(text)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abxyn"), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(CORPUS), st.dictionaries(st.sampled_from(["response", "error", "list", "a", "b", "s", "n"]), JSON)
)
def test_any_variables(text: str, context: dict[str, object]) -> None:
    with contextlib.suppress(FeelError):
        feel.to_json(feel.compile(text).evaluate(context, FUNCTIONS, LIMITS), LIMITS)


def test_mutated_expressions() -> None:
    report = run(6_000, seed=20)
    assert report.crashes == []
    assert report.values > 1_000  # not only syntax errors


@pytest.mark.slow
def test_a_hundred_thousand_expressions() -> None:
    report = run(100_000, seed=1)
    assert report.crashes == []
    assert report.slowest_seconds < 10


def test_findings_and_explanations_never_fail_otherwise() -> None:
    for text in (*CORPUS, *expressions(2_000, seed=5)):
        with contextlib.suppress(FeelError):
            check(text, FUNCTIONS)
            explain_text(text, CONTEXT, FUNCTIONS, LIMITS)


def test_the_corpus_itself_evaluates() -> None:
    for text in CORPUS:
        feel.to_json(feel.evaluate(text, CONTEXT, FUNCTIONS))
