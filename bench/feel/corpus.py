"""Expressions of every kind, as seeds for fuzzing and as the speed bench's material."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

CONTEXT: Final[dict[str, Any]] = {
    "response": {
        "status": 201,
        "headers": {"Content-Type": "application/json", "x-request-id": "r-1"},
        "body": {
            "id": "ord-7",
            "total": Decimal("12.50"),
            "items": [{"name": "pen", "price": Decimal("1.5"), "qty": 3}, {"name": "desk", "price": 250, "qty": 1}],
            "nothing": None,
            "when": "2024-02-29T10:20:30Z",
        },
    },
    "error": {"code": "404", "message": "not found", "variables": {"response": {"body": {"reason": "gone"}}}},
    "job": {"retries": 3},
    "list": [1, 2, 3, 4],
    "a": 1,
    "b": Decimal("2.5"),
    "s": "hello",
    "n": None,
    "yes": True,
}

CORPUS: Final = (
    "response.body.id",
    "{id: response.body.id, total: sum(response.body.items.price), ok: response.status < 300}",
    'if error.code = "404" then bpmnError("A", error.message, {id: a}) else if a > 1 then null else ignoreError()',
    'jobError("again", {}, job.retries - 1, @"PT1M")',
    "response.body.items[price > 10 and qty = 1].name",
    "response.body.items[item.price > 10][1].name",
    "list[-1] + list[1] * 2 ** 3 - -a / b",
    "for x in list, y in 1..3 return {x: x, y: x * y}",
    "for i in 1..5 return if i = 1 then 1 else i * partial[-1]",
    "some x in list satisfies x > 3 and every y in [1, 2] satisfies y < x",
    "{f: function(x, y) x + y, g: f(1, 2), `a b`: f(y: 1, x: 2)}.`a b`",
    'a in [1..3] and b in (2..3) and s in ("hello", "bye") and 5 in (< 3, >= 5)',
    'date and time(response.body.when) + duration("P1DT2H") - @"P1Y"',
    '@"2024-02-29T10:20:30@Europe/Berlin".time offset',
    'string(@"10:20:30+02:00") + " " + string(1.50) + string([1, null, "x", {a: true}])',
    'replace("abcd", "(ab)|(a)", "[1=$1]") + substring("foobar", 3, 2) + upper case("x")',
    'matches("foo", "^f.o$", "i") or contains(s, "ell") or starts with(s, "h")',
    'split("a;b,c", "[;,]")[2]',
    'string join(["a", null, "c"], "-", "<", ">")',
    "sort(list, function(x, y) x > y)",
    "count(flatten([[1, [2]], 3])) between 1 and 5",
    'get value({"a b": {c: 1}}, ["a b", "c"])',
    'context put({x: 1}, ["y", "z"], 2)',
    'from json("{\\"a\\": [1, 2.50, null]}").a[2]',
    "to json({a: list, b: n})",
    "a instance of number and s instance of string and n instance of Any",
    "during(5, [1..10]) and overlaps([1..5], (3..8)) and meets([1..5], [5..10])",
    "median(8, 2, 5) + stddev([2, 4, 7, 5]) + mean(list) + product([1, 2])",
    "decimal(1 / 3, 2) + floor(1.56, 1) + round half up(1.125, 2) + modulo(-12, 5) + sqrt(16)",
    'day of week(today()) + month of year(@"2024-02-29") // comment\n',
    "/* before */ not(yes) and null or a != 2",
    'get or else(response.body.missing, "default")',
    "distinct values([1, 1, 2]) = union([1], [2])",
    "partition(list, 2)[1][2]",
    "{a: 1, b: a + 1, c: {d: b}}.c.d",
    '{any key - with symbols: 1, "quoted: key": 2}',
    'number("1.000,5", ".", ",") * years and months duration(@"2011-12-22", @"2013-08-24").years',
    'years and months duration(from: date(2011, 1, 1), to: date("2013-08-24"))',
    'is defined(n) or is blank(" ") or is empty([])',
    'backoff(3, @"PT1S", 2, @"PT1M", 0)',
)

__all__ = ["CONTEXT", "CORPUS"]
