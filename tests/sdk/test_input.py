"""Coercions of the input base, row by row as process models rely on them."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

from coupler import json
from coupler.sdk import Input


class Color(Enum):
    RED = "red"
    DARK_GREEN = "dark-green"


class Inner(Input):
    name: str


class First(Input):
    kind: Literal["first"]
    name: str


class Second(Input):
    kind: Literal["second"]


class Everything(Input):
    text: str = "unset"
    maybe_text: str | None = "unset"
    boxed: int | None = -1
    whole: int = -1
    boxed_fraction: float | None = -1.0
    fraction: float = -1.0
    exact: Decimal | None = None
    boxed_flag: bool | None = None
    flag: bool = False
    color: Color | None = None
    level: Literal["Low", "High"] | None = None
    texts: list[str] | None = None
    numbers: list[int] | None = None
    inner: Inner | None = None
    inners: list[Inner] | None = None
    string_map: dict[str, str | None] | None = None
    any_map: dict[str, Any] | None = None
    anything: Any = "unset"
    choice: Annotated[First | Second, Field(discriminator="kind")] | None = None
    bounded: Annotated[int, Field(ge=1)] | None = None


def bound(field: str, value: str) -> Any:
    model = Everything.model_validate(json.loads(f'{{"{field}": {value}}}'))
    return getattr(model, next(name for name, info in Everything.model_fields.items() if field in (info.alias, name)))


ERROR = object()


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        # empty text
        ("boxed", '""', None),
        ("boxedFraction", '""', None),
        ("boxedFlag", '""', None),
        ("exact", '""', None),
        ("whole", '""', 0),
        ("fraction", '""', 0.0),
        ("flag", '""', False),
        ("text", '""', ""),
        ("maybeText", '""', ""),
        ("color", '""', ERROR),
        ("level", '""', ERROR),
        ("inner", '""', ERROR),
        ("stringMap", '""', ERROR),
        ("anyMap", '""', ERROR),
        ("texts", '""', [""]),
        # null
        ("whole", "null", 0),
        ("fraction", "null", 0.0),
        ("flag", "null", False),
        ("boxed", "null", None),
        ("maybeText", "null", None),
        ("texts", "null", None),
        ("stringMap", "null", None),
        ("text", "null", ERROR),
        # whole numbers
        ("boxed", '"12"', 12),
        ("boxed", '" 12 "', 12),
        ("boxed", '"-12"', -12),
        ("boxed", "12.7", 12),
        ("boxed", "20.7", 20),
        ("boxed", "-12.7", -12),
        ("boxed", '"12.7"', ERROR),
        ("boxed", '"0.1"', ERROR),
        ("boxed", '"0xFF"', ERROR),
        ("boxed", '"0b0011"', ERROR),
        ("boxed", '"bad 123 value"', ERROR),
        ("boxed", '"text"', ERROR),
        ("boxed", '"1_000"', ERROR),
        ("boxed", "true", ERROR),
        ("boxed", "[5]", 5),
        ("boxed", "[5, 6]", ERROR),
        ("boxed", "{}", ERROR),
        ("boxed", "12345678901234567890", 12345678901234567890),
        # fractions
        ("boxedFraction", '"1.5"', 1.5),
        ("boxedFraction", "1.5", 1.5),
        ("boxedFraction", "2", 2.0),
        ("boxedFraction", "true", ERROR),
        ("exact", "1.50", Decimal("1.50")),
        ("exact", '"1.50"', Decimal("1.50")),
        # text
        ("text", "5", "5"),
        ("text", "1.50", "1.50"),
        ("text", "true", "true"),
        ("text", "false", "false"),
        ("text", '["x"]', "x"),
        ("text", '["x", "y"]', ERROR),
        ("text", "[]", ERROR),
        ("text", '{"a": 1}', ERROR),
        ("text", '"=foo"', "=foo"),
        # booleans
        ("flag", "true", True),
        ("flag", '"true"', True),
        ("flag", '"True"', True),
        ("flag", '"TRUE"', True),
        ("flag", '"false"', False),
        ("flag", "1", True),
        ("flag", "0", False),
        ("flag", "2", True),
        ("flag", '"yes"', ERROR),
        ("flag", '"on"', ERROR),
        ("flag", '"1"', ERROR),
        ("flag", '"tRuE"', ERROR),
        ("flag", "1.0", ERROR),
        ("flag", "[true]", True),
        # enumerations
        ("color", '"red"', Color.RED),
        ("color", '"RED"', Color.RED),
        ("color", '"Dark_Green"', Color.DARK_GREEN),
        ("color", '"DARK-GREEN"', Color.DARK_GREEN),
        ("color", "1", Color.DARK_GREEN),
        ("color", '"1"', Color.DARK_GREEN),
        ("color", "2", ERROR),
        ("color", "-1", ERROR),
        ("color", '"blue"', ERROR),
        ("color", '["red"]', Color.RED),
        ("level", '"low"', "Low"),
        ("level", '"HIGH"', "High"),
        ("level", '"medium"', ERROR),
        # lists
        ("texts", '"x"', ["x"]),
        ("texts", '["x", 5, true]', ["x", "5", "true"]),
        ("texts", "5", ["5"]),
        ("numbers", '["1", 2.9]', [1, 2]),
        ("numbers", '"x"', ERROR),
        ("inners", '{"name": "a"}', [Inner(name="a")]),
        ("inners", '[{"name": "a"}, {"name": 5}]', [Inner(name="a"), Inner(name="5")]),
        # objects
        ("inner", '[{"name": "a"}]', Inner(name="a")),
        ("inner", '[{"name": "a"}, {"name": "b"}]', ERROR),
        ("inner", '{"name": "a", "unknown": 1}', Inner(name="a")),
        ("inner", '{"unknown": 1}', ERROR),
        ("choice", '{"kind": "first", "name": 5}', First(kind="first", name="5")),
        ("choice", '[{"kind": "second"}]', Second(kind="second")),
        ("choice", '{"kind": "third"}', ERROR),
        ("choice", '{"kind": "FIRST", "name": ""}', ERROR),
        ("choice", "{}", ERROR),
        # maps
        ("stringMap", '{"a": 1.50, "b": true, "c": null, "d": ["x"]}', {"a": "1.50", "b": "true", "c": None, "d": "x"}),
        ("stringMap", '{"a": {"b": 1}}', ERROR),
        ("stringMap", '{"a": ["x", "y"]}', ERROR),
        ("stringMap", '[{"a": "b"}]', {"a": "b"}),
        ("stringMap", "[]", ERROR),
        ("anyMap", '[{"a": [1, {"b": 1.0}]}]', {"a": [1, {"b": Decimal("1.0")}]}),
        # anything is left alone
        ("anything", '["x"]', ["x"]),
        ("anything", '""', ""),
        ("anything", "1.50", Decimal("1.50")),
        ("anything", "null", None),
        # rules hold for the coerced value
        ("bounded", '"1"', 1),
        ("bounded", '"0"', ERROR),
        ("bounded", '""', None),
    ],
)
def test_coercions(field: str, value: str, expected: object) -> None:
    if expected is ERROR:
        with pytest.raises(ValidationError):
            bound(field, value)
    else:
        result = bound(field, value)
        assert result == expected
        assert type(result) is type(expected)


def test_names_are_camel_case_and_python_names_are_taken_as_well() -> None:
    assert Everything.model_validate({"maybeText": "a"}).maybe_text == "a"
    assert Everything.model_validate({"maybe_text": 5}).maybe_text == "5"
    assert Everything(maybe_text="a").maybe_text == "a"


def test_the_whole_input_may_be_a_list_of_one() -> None:
    assert Inner.model_validate([{"name": "a"}]).name == "a"


def test_values_are_not_shown_in_errors() -> None:
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate({"boxed": "top secret", "flag": "also secret", "inner": {"name": {"secret": 1}}})
    assert "secret" not in str(caught.value)


def test_the_decoded_variables_are_left_as_they_are() -> None:
    variables = {"text": 5, "stringMap": {"a": 1}, "texts": [1], "inner": [{"name": 1}]}
    Everything.model_validate(variables)
    assert variables == {"text": 5, "stringMap": {"a": 1}, "texts": [1], "inner": [{"name": 1}]}


def test_an_exponent_that_nothing_can_hold_is_malformed_json() -> None:
    with pytest.raises(json.Malformed, match="exponent"):
        json.loads('{"anything": 1e99999999999999999999}')


@pytest.mark.parametrize("field", ["boxed", "fraction", "flag", "texts", "inner", "stringMap", "choice", "color"])
def test_no_json_value_breaks_a_coercion(field: str) -> None:
    for value in (
        "null",
        "true",
        "0",
        "1e400",
        "1e1000000",
        "-1.5",
        '""',
        '"x"',
        "[]",
        "[[]]",
        "[null]",
        "{}",
        '{"a": null}',
        "[{}]",
    ):
        try:
            bound(field, value)
        except ValidationError:
            continue
