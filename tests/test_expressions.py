"""The functions of result and error expressions."""

from __future__ import annotations

from typing import Any

import pytest

from coupler import feel
from coupler.errors import FeelError
from coupler.expressions import DOCUMENT_MARKER, FUNCTIONS
from coupler.feel.temporal import NANOS, DaysDuration

CONTEXT = {"error": {"code": "404", "message": "gone"}, "job": {"retries": 3}}


def evaluated(text: str) -> Any:
    return feel.evaluate(text, CONTEXT, FUNCTIONS)


RESULTS = [
    ('bpmnError("A")', {"errorType": "bpmnError", "errorCode": "A"}),
    ('bpmnError("A", "no")', {"errorType": "bpmnError", "errorCode": "A", "errorMessage": "no"}),
    (
        'bpmnError(errorCode: "A", errorMessage: "no", variables: {x: 1})',
        {"errorType": "bpmnError", "errorCode": "A", "errorMessage": "no", "variables": {"x": 1}},
    ),
    (
        'jobError("again")',
        {"errorType": "jobError", "errorMessage": "again", "variables": {}, "retries": 0, "retryBackoff": "PT0S"},
    ),
    (
        'jobError("again", {x: 1}, job.retries - 1, @"PT1H30M")',
        {
            "errorType": "jobError",
            "errorMessage": "again",
            "variables": {"x": 1},
            "retries": 2,
            "retryBackoff": "PT1H30M",
        },
    ),
    (
        'jobError(errorMessage: "again", variables: {}, retries: 1)',
        {"errorType": "jobError", "errorMessage": "again", "variables": {}, "retries": 1, "retryBackoff": "PT0S"},
    ),
    ("ignoreError()", {"errorType": "ignoreError"}),
    ("ignoreError({a: 1})", {"errorType": "ignoreError", "variables": {"a": 1}}),
    ('if error.code = "404" then bpmnError(error.code) else null', {"errorType": "bpmnError", "errorCode": "404"}),
    ('if error.code = "500" then bpmnError(error.code) else null', None),
]


@pytest.mark.parametrize(("text", "expected"), RESULTS)
def test_functions_make_contexts(text: str, expected: Any) -> None:
    assert feel.to_json(evaluated(text)) == expected


MISUSE = [
    ("bpmnError(404)", "bpmnError: 'errorCode' is number, not string"),
    ("bpmnError(null)", "bpmnError: 'errorCode' is null, not string"),
    ('bpmnError("A", 1)', "bpmnError: 'errorMessage' is number, not string"),
    ('bpmnError("A", "b", [])', "bpmnError: 'variables' is list, not context"),
    ('jobError("x", 1)', "jobError: 'variables' is number, not context"),
    ('jobError("x", {}, "3")', "jobError: 'retries' is string, not number"),
    ('jobError("x", {}, 3, "PT1M")', "jobError: 'retryBackoff' is string, not days and time duration"),
    ("ignoreError(1)", "ignoreError: 'variables' is number, not context"),
    ("backoff(0)", "backoff: 'attempt' is 0, it must be at least 1"),
    ('backoff(1, @"PT1S", 0)', "backoff: 'factor' is 0, it must be more than 0"),
    ('backoff(1, @"PT10S", 2, @"PT1S")', "backoff: 'minDelay' is longer than 'maxDelay'"),
    ('backoff(1, @"PT1S", 2, @"PT1S", -1)', "backoff: 'jitterFactor' is -1, it must not be negative"),
    ("createDocument(1)", "createDocument: 'value' is number, not string | context"),
]


@pytest.mark.parametrize(("text", "message"), MISUSE)
def test_misuse_is_an_error_that_names_the_parameter(text: str, message: str) -> None:
    with pytest.raises(FeelError) as caught:
        evaluated(text)
    assert str(caught.value) == message


def test_unknown_forms_give_null() -> None:
    assert evaluated("bpmnError()") is None
    assert evaluated('bpmnError("A", "b", {}, 1)') is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ('backoff(1, @"PT1S", 2, @"PT1M", 0)', 1),
        ('backoff(3, @"PT1S", 2, @"PT1M", 0)', 4),
        ('backoff(10, @"PT1S", 2, @"PT1M", 0)', 60),
        ('backoff(100000, @"PT1S", 2, @"PT1M", 0)', 60),
        ('backoff(3, @"PT1S", 0.5, @"PT1M", 0)', 1),
    ],
)
def test_backoff_grows_up_to_its_limit(text: str, seconds: int) -> None:
    assert evaluated(text) == DaysDuration(seconds * NANOS)


def test_backoff_has_defaults_and_jitter() -> None:
    for attempt, expected in ((1, 0.05), (3, 0.128), (50, 5.0)):
        delays = [evaluated(f"backoff({attempt})").seconds for _ in range(50)]
        assert all(expected * 0.9 - 0.001 <= delay <= expected * 1.1 + 0.001 for delay in delays)
    assert len({evaluated("backoff(50)").nanos for _ in range(50)}) > 1


def test_backoff_is_never_negative() -> None:
    assert all(evaluated('backoff(1, @"PT1S", 1, @"PT1S", 10)').nanos >= 0 for _ in range(50))


def test_documents_are_marked_under_a_key_that_no_response_can_know() -> None:
    assert evaluated('{file: createDocument({content: "aGk=", name: "a.txt"})}') == {
        "file": {DOCUMENT_MARKER: {"content": "aGk=", "name": "a.txt"}}
    }
    assert evaluated('createDocument("aGk=")') == {DOCUMENT_MARKER: "aGk="}
    assert len(DOCUMENT_MARKER) > 32


def test_feel_itself_knows_no_jobs() -> None:
    assert feel.evaluate('bpmnError("A")', {}) is None
