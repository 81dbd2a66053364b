"""What a user is told: where an expression cannot be read, and why a value is null."""

from __future__ import annotations

import pytest

from coupler import feel
from coupler.errors import FeelError
from coupler.expressions import FUNCTIONS
from coupler.feel.explain import explain_text
from coupler.feel.strict import check
from coupler.feel.syntax import FeelSyntaxError

CONTEXT = {
    "response": {"status": 200, "body": {"total": 5, "items": [{"price": 3}, {"prize": 4}], "gone": None}},
    "list": [1, 2],
}

UNREADABLE = [
    ("1 +", 3, "a value", "the end of the expression"),
    ("(1", 2, "')'", "the end of the expression"),
    ("[1, 2", 5, "',' or ']'", "the end of the expression"),
    ("{a: [1,2}", 8, "',' or ']'", "'}'"),
    ("{a 1}", 1, "a key and ':'", "'a'"),
    ("if a then b", 11, "'else'", "the end of the expression"),
    ("if a b", 5, "'then'", "'b'"),
    ("for x in [1] x", 13, "'return'", "'x'"),
    ("some x in [1]", 13, "'satisfies'", "the end of the expression"),
    ("1 2", 2, "an operator or the end of the expression", "'2'"),
    ("f(1,", 4, "a value", "the end of the expression"),
    ("f(a: 1, 2)", 8, "the name of a parameter and ':'", "'2)'"),
    ("a.", 2, "a name after '.'", "the end of the expression"),
    ("a instance of 1", 14, "a type", "'1'"),
    ('"open', 0, "'\"' at the end of the text", "'\"open'"),
    ("1 /* open", 2, "'*/' at the end of the comment", "'/*'"),
    ("@x", 1, "a date, time or duration in quotes", "'x'"),
    ("function(a: number) a", 10, "')'", "':'"),
    ("a % b", 2, "an operator or the end of the expression", "'%'"),
]


@pytest.mark.parametrize(("text", "position", "expected", "found"), UNREADABLE)
def test_syntax_errors_say_what_was_expected(text: str, position: int, expected: str, found: str) -> None:
    with pytest.raises(FeelSyntaxError) as caught:
        feel.compile(text)

    assert caught.value.position == position
    assert caught.value.expected.startswith(expected)
    assert caught.value.found == found
    assert isinstance(caught.value, FeelError)


def test_syntax_errors_show_the_line_with_a_caret() -> None:
    with pytest.raises(FeelSyntaxError) as caught:
        feel.compile("{a: 1,\n b: 2 +* 3}")

    lines = str(caught.value).split("\n")
    assert lines[0].startswith("the expression cannot be read at line 2, column 8: expected a value")
    assert lines[1:] == ["     b: 2 +* 3}", "           ^"]


def test_long_lines_are_cut_around_the_caret() -> None:
    text = "1 + " * 100 + "* " + "+ 1" * 100
    with pytest.raises(FeelSyntaxError) as caught:
        feel.compile(text)

    _, line, caret = str(caught.value).split("\n")
    assert len(line) < 120
    assert line[caret.index("^")] == "*"


WARNINGS = [
    ("response.body.totl", "response.body.totl is not there: did you mean 'total'?"),
    ("reponse.body", "there is no variable 'reponse': did you mean 'response'?"),
    ("response.body.gone.x", "response.body.gone is null, so '.x' of it is null too"),
    ("response.body.items.price", "an item of response.body.items.price is not there: did you mean 'prize'?"),
    ("response.status.x", "response.status is a number, which has no 'x'"),
    ('@"2024-01-01".years', "the value is a date, which has no 'years': did you mean 'year'?"),
    ('response.status = "200"', "cannot compare number and string"),
    ("response.status < null", "cannot compare number and null"),
    ('1 + "a"', "cannot add number and string"),
    ("-null", "cannot negate null"),
    ("list[5]", "there is no item 5: the list has 2"),
    ("response[1]", "a filter needs a list, not context"),
    ("for x in response return x", "'x' iterates over context, not a list"),
    ("1 and true", "'and' needs true or false, not number"),
    ("if 1 then 2 else 3", "the condition of 'if' is number, not true or false: 'else' is taken"),
    ("upper case(1)", "upper case: 'string' is number, not string"),
    ('number("x")', "number(string) is null for these values"),
    ('date("2024-13-01")', '"2024-13-01" is no date'),
    ("uper case(1)", "there is no function 'uper case': did you mean 'upper case'?"),
    ("abs()", "'abs' is not called like that: there is abs(number); abs(n)"),
    ("{f: function(x) x, r: f()}.r", "'f' is no function with these parameters"),
    ("response.f(1)", "there is no function 'f' with these parameters in the context"),
]


@pytest.mark.parametrize(("text", "warning"), WARNINGS)
def test_nulls_are_explained(text: str, warning: str) -> None:
    assert warning in [message for _, message in explain_text(text, CONTEXT).warnings]


def test_warnings_carry_the_place() -> None:
    assert explain_text("1 + response.body.totl", CONTEXT).warnings[0][0] == len("1 + response.body.")


def test_clean_expressions_have_no_warnings() -> None:
    text = 'if response.status = 200 then {n: response.body.total, l: list[item > 1], s: string(null) = null} else "x"'
    assert explain_text(text, CONTEXT).warnings == []


def test_warnings_are_few_and_not_repeated() -> None:
    explanation = explain_text("for x in 1..10000 return x.y", {})
    assert explanation.warnings == [(len("for x in 1..10000 return x."), "x is a number, which has no 'y'")]
    assert len(explain_text("{" + ", ".join(f"k{i}: m{i}" for i in range(500)) + "}", {}).warnings) <= 50


def test_warnings_hold_no_values() -> None:
    warnings = explain_text("number(secret) + secret.x", {"secret": "hush"}).warnings
    assert warnings
    assert not any("hush" in message for _, message in warnings)


FINDINGS = [
    ("is(1, 1)", "feel-scala has no function 'is': this is always null"),
    ("bpmnEror(1)", "there is no function 'bpmnEror', which gives null: did you mean 'bpmnError'?"),
    (
        "substring(1)",
        "'substring' is not called like that, which gives null: there is substring(string, start position)",
    ),
    ("sum(lst: [1])", "'sum' is not called like that, which gives null: there is sum(list)"),
    ('@"2024-13-01"', '"2024-13-01" is no date, time or duration: this is always null'),
    ("x in [1] and y", "'in' takes everything behind it as one test, the 'and' too: write (… in …) and …"),
    ("? > 1", "'?' has no value here and makes the evaluation fail: it belongs behind 'in'"),
    ("[1..5]", "a test has nothing to test here, which gives null: it belongs behind 'in'"),
    ("{a: < 5}", "a test has nothing to test here, which gives null: it belongs behind 'in'"),
    ("a and some x in b satisfies x", "feel-scala reads 'some' behind 'and' or 'or' in brackets only"),
    ("1 + then", "'then' is a word of the language: write `then` for a variable"),
]


@pytest.mark.parametrize(("text", "finding"), FINDINGS)
def test_findings_need_no_variables(text: str, finding: str) -> None:
    assert any(message.startswith(finding) for _, message in check(text, FUNCTIONS))


CLEAN = [
    'if error.code = "404" then bpmnError("A", "b", {x: 1}) else null',
    "x in [1..5] and y in (1, > 3)",
    "{f: function(x) x in (? > 1), r: f(1)}",
    "before(1, [1..5])",
    "sum(1, 2, 3)",
    "a and (some x in b satisfies x)",
]


@pytest.mark.parametrize("text", CLEAN)
def test_sound_expressions_have_no_findings(text: str) -> None:
    assert check(text, FUNCTIONS) == []
