"""The language itself, and what is peculiar in feel-scala's dialect of it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from coupler import feel
from coupler.errors import FeelError
from tests.feel.outcome import CONTEXT, FAILS, outcome

ARITHMETIC = (
    ("-0.5 * 0", "0.0"),
    ("0.0 / -2.5", "0"),
    ("decimal(-0.04, 1)", "0.0"),
    ("modulo(-0.5, -0.5)", "0.0"),
    ("-0.0", "0.0"),
    ("-1.2345678901234567890123456789012345", "-1.2345678901234567890123456789012345"),
    ("{x: 1.2345678901234567890123456789012345, y: -x}.y", "-1.2345678901234567890123456789012345"),
    ("for x in 0.1234567890123456789012345678901..1 return x", "[0.1234567890123456789012345678901]"),
    (
        "for x in 1.123456789012345678901234567890..3 return x",
        "[1.123456789012345678901234567890,2.123456789012345678901234567890]",
    ),
    ("1 + 2 * 3", "7"),
    ("10 / 4", "2.5"),
    ("7 / 2 / 2", "1.75"),
    ("5 - 3 - 1", "1"),
    ("0.1 + 0.2", "0.3"),
    ("1.50", "1.50"),
    ("1.50 + 1", "2.50"),
    ("1 / 3", "0.3333333333333333333333333333333333"),
    ("9007199254740993 + 0", "9007199254740993"),
    ("99999999999999999999 * 99999999999999999999", "9.999999999999999999800000000000000E+39"),
    ("-2 ** 2", "4"),
    ("2 ** 3 ** 2", "64"),
    ("10 ** -2", "0.01"),
    ("5 ** 0.5", "2.23606797749979"),
    ("--1", "1"),
    ("10--5", "15"),
    (".5", "0.5"),
    ("1 / 0", "null"),
    ("0 ** -1", FAILS),
    ("(-8) ** (1/3)", FAILS),
    ('"a" + "b"', '"ab"'),
    ('"a" - "b"', "null"),
    ('"a" * 2', "null"),
    ("1 + null", "null"),
    ("null * 2", "null"),
    ("true + true", "null"),
)

COMPARISON = (
    ("1 < 2 and 2 < 3", "true"),
    ("1 < 2 < 3", FAILS),
    ("1 = 1.0", "true"),
    ('1 = "1"', "null"),
    ("null = null", "true"),
    ("null = 1", "false"),
    ("1 != null", "true"),
    ("missing = null", "true"),
    ("null < 1", "null"),
    ("[1, 2] = [1, 2]", "true"),
    ("[1] = 1", "null"),
    ("{a: 1} = {a: 1}", "true"),
    ("{a: 1} = {a: 2}", "false"),
    ("true < false", "null"),
    ('"\U0001f40e" > "\uffee"', "false"),  # by UTF-16 units
    ("5 between 1 and 10", "true"),
    ("1 between null and 2", "null"),
    ("a = 1 or b = 3 and false", "true"),
)

LOGIC = (
    ("null and false", "false"),
    ("null and true", "null"),
    ("1 and true", "null"),
    ('"x" or true', "true"),
    ("null or false", "null"),
    ("if null then 1 else 2", "2"),
    ("if 1 then 1 else 2", "2"),
    ('if "true" then 1 else 2', "2"),
    ("if yes then if a = 2 then 1 else 2 else 3", "2"),
    ('if a > 1 then "p" else if a < 1 then "m" else "z"', '"z"'),
)

NAMES = (
    ("missing.path.deeper", "null"),
    ("deep.x.y.z", "42"),
    ("deep.x.nope.z", "null"),
    ("deep.`first name`", '"Ada"'),
    ("deep.a-b", "null"),  # a subtraction
    ("deep.`a-b`", "7"),
    ("`a`", "1"),
    ("a b", FAILS),
    ("s.x", "null"),
    ("people.name", '["Ada","Bob","Cy"]'),
    ("people.age", "[36,17,null]"),
    ("{l: [{x: [{y: 1}, {y: 2}]}, {x: [{y: 3}]}]}.l.x.y", "[[1,2],[3]]"),
    ("[].x", "[]"),
    ('{a b c: 1, a+b: 2, "q: r": 3}', '{"a b c":1,"a+b":2,"q: r":3}'),
    ("{a: 1, a: 2}", '{"a":2}'),
    ("{a: 5, b: a + 1, c: {d: b}}", '{"a":5,"b":6,"c":{"d":6}}'),
    ("{b: c, c: 1}.b", "null"),  # only what stands before is known
    ("{$x: 1}.$x", "1"),
)

LISTS = (
    ("list[-0.5]", "4"),  # counted from the end, then cut to a whole number
    ("list[-1.5]", "3"),
    ("list[-4.5]", "null"),
    ("list[0.5]", "null"),
    ("list[1]", "1"),
    ("list[-1]", "4"),
    ("list[0]", "null"),
    ("list[5]", "null"),
    ("list[a]", "1"),
    ('list["a"]', "[]"),
    ("list[null]", "[]"),
    ("list[true]", "[1,2,3,4]"),
    ("list[item > 2]", "[3,4]"),
    ("list[item > 100]", "[]"),
    ("a[1]", "null"),
    ("people[age > 18].name", '["Ada"]'),
    ("people[item.age < 18][1].name", '"Bob"'),
    ("[{item: 1}, {item: 2}][item = 2]", '[{"item":2}]'),
    ("for x in list return x + a", "[2,3,4,5]"),
    ("for x in [1, 2], y in [3, 4] return x * y", "[3,4,6,8]"),
    ("for x in 3..1 return x", "[3,2,1]"),
    ("for x in 0.5..2 return x", "[0.5,1.5]"),
    ("for x in 1+1..1+3 return x", "[2,3,4]"),
    ("for i in 1..5 return if i = 1 then 1 else i * partial[-1]", "[1,2,6,24,120]"),
    ("for i in 1..3 return count(partial)", "[0,1,2]"),
    ("for i in 1..3 return partial", "[[],[[]],[[],[[]]]]"),
    ("for x in [[1, 2], [3]], y in x return y", "null"),  # all lists are made before the loop
    ("for x in null return x", "null"),
    ('for x in @"2024-01-01"..@"2024-01-03" return x', "null"),
    ("some x in list satisfies x > 3", "true"),
    ("some x in list, y in list satisfies x + y > 7", "true"),
    ("some x in null satisfies x > 1", "null"),
    ("yes and some x in list satisfies x > 3", "true"),
    ("false or if yes then true else false", "true"),
    ("every x in [] satisfies true", "true"),
    ("every x in [1, 2] satisfies x > null", "null"),
    ("every x in [1, null] satisfies x > 1", "false"),
)

TESTS = (
    ("5 in [1..10]", "true"),
    ("5 in (5..10]", "false"),
    ("5 in ]5..10[", "false"),
    ("5 in (< 3, > 4)", "true"),
    ("5 in > 3", "true"),
    ("5 in (1, 5)", "true"),
    ("5 in [1, 5]", "true"),
    ("1 in null", "false"),
    ("null in [1, 2]", "false"),
    ("null in [1..2]", "null"),
    ("5 in [1..null]", "null"),
    ("true in (false, true)", "true"),
    ("false in (true)", "true"),  # a test that is true passes for every input
    ('1 in ("a", true)', "true"),
    ("1 in (2, false)", "false"),
    ("[false in true]", "[true]"),
    ("false in true", "false"),  # except alone at the end of the text
    ("false in false = false", "true"),
    ("5 in (? > 4)", "true"),
    ("?", FAILS),
    ("10 in =10", FAILS),
    ("[1..5]", "null"),
    ("a in list and yes", "false"),  # `in` takes everything behind it as its test
    ("(a in list) and yes", "true"),
    ("yes and a in list", "true"),
)

FUNCTIONS = (
    ("{f: function(x) x + 1, r: f(2)}.r", "3"),
    ("{f: function(x, y) x - y, r: f(y: 1, x: 5)}.r", "4"),
    ("{f: function(x) x, r: f(1, 2)}.r", "null"),
    ("{m: {f: function(x) x + 1}, r: m.f(2)}.r", "3"),
    ("{k: 10, f: function(x) x + k, r: f(1)}.r", "11"),
    ("{f: function(x) x > 1, r: [1, 2][f(item)]}.r", "[2]"),
    ("{f: function(x) x, r: list[f(2)]}.r", "2"),
    ("{f: function(x) x.age > 18, r: people[f(item)].name}.r", '["Ada"]'),
    ("{count: function(x) 42, r: [[1], [2]][count(item) = 42]}.r", "[[1],[2]]"),
    ("{f: function(x) x, r: {f: 1, g: f(2)}.g}.r", "2"),  # a variable of that name hides no function
    ("{f: function(x) x, r: for f in [1] return f(3)}.r", "[3]"),
    ("{f: function(x) x + 1, r: f(1)}", '{"r":2}'),  # what a context defines for itself is no entry
    ("{f: function(x) x, r: {g: function(y) y, s: g(f(1))}}", '{"r":{"s":1}}'),
    ("{r: [function(x) x]}", FAILS),
    ("function(x) x", FAILS),
    ("{f: function(n) f(n), r: f(1)}.r", "null"),  # a function does not know itself
    ("{f: function(x) x, g: [1, 2], r: sort(g, f)}.r", "null"),  # the name of a function is no value
    ("(function(x) x)(1)", FAILS),
    ("foo()", "null"),
    ("not known(1)", "null"),
    ('{f: function(x) external {java: {class: "java.lang.Math", method signature: "cos(double)"}}}', FAILS),
)

TYPES = (
    ("1 instance of number", "true"),
    ("null instance of Any", "false"),
    ("a instance of Any", "true"),
    ("null instance of null", FAILS),
    ("[] instance of list", "true"),
    ("[] instance of list<Any>", FAILS),
    ("{} instance of context", "true"),
    ('@"P1D" instance of days and time duration', "true"),
    ('@"P1M" instance of years and months duration', "true"),
    ('@"2024-01-01T00:00:00" instance of date and time', "true"),
    ("(function(x) x) instance of function", "true"),
    ("1 instance of tNumber", "false"),
)

TEXT = (
    ('"line\\nbreak \\"q\\" \\\\"', '"line\\nbreak \\"q\\" \\\\"'),
    ('"unicode \\u269D"', '"unicode \\\\u269D"'),
    ('"\\d"', '"\\\\d"'),
    ('"\\b\\f"', '"\\b\\f"'),
    ('"\\\\b"', '"\\\\b"'),
    ('"\\\\\\n"', '"\\\\\\\\n"'),  # behind an escaped backslash an escape stays as written
    ('"\\\\\\"x"', '"\\\\\\\\\\"x"'),
    ('"\\\\\\\\n"', '"\\\\\\\\n"'),
    ("1 // comment", "1"),
    ("1 + /* inside */ 2", "3"),
    ("1 + // to the end\n2", "3"),
    ("1e3", FAILS),
    ("1 +", FAILS),
    ("", FAILS),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [*ARITHMETIC, *COMPARISON, *LOGIC, *NAMES, *LISTS, *TESTS, *FUNCTIONS, *TYPES, *TEXT],
)
def test_expressions_give(text: str, expected: str) -> None:
    assert outcome(text) == expected


def test_json_numbers_pass_unchanged() -> None:
    context = {"tenth": Decimal("0.1"), "large": 2**53 + 1, "scaled": Decimal("1.50")}

    assert feel.evaluate("tenth", context) == Decimal("0.1")
    assert feel.to_json(feel.evaluate("{a: large, b: scaled}", context)) == {"a": 2**53 + 1, "b": Decimal("1.50")}


def test_floats_are_read_as_they_print() -> None:
    assert outcome("x + 0.2", {"x": 0.1}) == "0.3"
    assert outcome("x = 0.1", {"x": 0.1}) == "true"


def test_context_is_not_changed() -> None:
    before = repr(CONTEXT)
    feel.evaluate('{a: context put(deep, "x", 1), b: append(list, 5), c: for x in list return {x: x}}', CONTEXT)
    assert repr(CONTEXT) == before


def test_marker_is_one_equals_sign() -> None:
    assert feel.strip_marker(" = a + 1 ") == "a + 1"
    assert feel.strip_marker("==a") == "=a"
    assert feel.strip_marker("a") == "a"


def test_expressions_are_read_once() -> None:
    assert feel.compile("a + 4711") is feel.compile("a + 4711")


def test_functions_may_come_from_outside() -> None:
    functions = feel.Registry("test")
    functions.add("twice(value: number)", "The double.")(lambda value: value * 2)

    assert feel.evaluate("twice(21)", {}, functions) == 42
    assert feel.evaluate("twice(value: 21)", {}, functions) == 42
    assert feel.evaluate('twice("x")', {}, functions) is None
    assert feel.evaluate("twice(21)", {}) is None


UNARY = (
    ("-", 5, True),
    ("< 10", 5, True),
    ("[1..4], > 6", 5, False),
    ("not(< 3)", 5, True),
    ("not(5)", 5, False),
    ('"a", "b"', "b", True),
    ("[1, 5]", 5, True),
    ("true", True, True),
    ("true", False, False),
    ("true, false", "a", True),
    ("not(true)", False, False),
    ("not(false)", 1, True),
    ("true and false", 1, False),
    ("true and false", False, True),
    ("limit", 5, True),
    ("? > limit - 1", 5, True),
    ('< "x"', 5, None),
    ("list contains([1, 5], ?)", 5, True),
)


@pytest.mark.parametrize(("text", "value", "expected"), UNARY)
def test_unary_tests(text: str, value: object, expected: bool | None) -> None:
    assert feel.unary(text).matches(value, {"limit": 5}) is expected


def test_unary_tests_that_cannot_be_read() -> None:
    with pytest.raises(FeelError, match="cannot be read"):
        feel.unary("< 10,")
