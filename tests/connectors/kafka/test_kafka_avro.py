"""Avro: what JSON values become, edge by edge, and what is refused with the place named."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
import pytest

from coupler.errors import ConnectorError
from coupler.json import loads
from coupler_kafka.avro import avro_schema
from coupler_kafka.lenient_json import read_json


def record(kind: Any, **field: Any) -> str:
    return json.dumps({"type": "record", "name": "R", "fields": [{"name": "f", "type": kind, **field}]})


def decoded(schema: str, value: Any, *, refuse_unknown: bool = True) -> Any:
    """Through the encoder, then back with the plain library."""
    encoded = avro_schema(schema, refuse_unknown=refuse_unknown).encode(loads(json.dumps(value)))
    return fastavro.schemaless_reader(io.BytesIO(encoded), fastavro.parse_schema(json.loads(schema)), None)


def refused(schema: str, value: Any, *, refuse_unknown: bool = True) -> str:
    with pytest.raises(ConnectorError) as caught:
        avro_schema(schema, refuse_unknown=refuse_unknown).encode(loads(json.dumps(value)))
    return str(caught.value)


ENUM = {"type": "enum", "name": "E", "symbols": ["RED", "BLUE"]}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("null", None, None),
        ("boolean", True, True),
        ("int", 5, 5),
        ("int", -(2**31), -(2**31)),
        ("long", 2**63 - 1, 2**63 - 1),
        ("int", 5.7, 5),
        ("long", -5.7, -5),
        ("double", 5, 5.0),
        ("double", 0.1, 0.1),
        ("float", 1.5, 1.5),
        ("string", "ä", "ä"),
        (["null", "long"], 5, 5),
        (["null", "long"], None, None),
        (["long", "null"], 5, 5),
        (["null", "string"], "s", "s"),
        (["null", "long", "double"], 5.7, 5.7),
        (["null", "long", "double"], 5, 5),
        (["int", "long"], 2**40, 2**40),
        (["string", "long"], 7, 7),
        (ENUM, "RED", "RED"),
        (["null", ENUM], "BLUE", "BLUE"),
        ({"type": "array", "items": "int"}, [1, 2], [1, 2]),
        ({"type": "map", "values": "double"}, {"a": 1}, {"a": 1.0}),
        (["null", {"type": "array", "items": ["null", "string"]}], ["a", None], ["a", None]),
        ({"type": "record", "name": "Inner", "fields": [{"name": "x", "type": "int"}]}, {"x": 1}, {"x": 1}),
        ({"type": "string"}, "s", "s"),
    ],
)
def test_values_that_fit(kind: Any, value: Any, expected: Any) -> None:
    for refuse_unknown in (True, False):
        assert decoded(record(kind), {"f": value}, refuse_unknown=refuse_unknown) == {"f": expected}


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("int", "5", "f must be a whole number, but is text"),
        ("int", True, "f must be a whole number, but is a boolean"),
        ("int", None, "f must be a whole number, but is null"),
        ("int", 2**31, "f is too large a number"),
        ("long", -(2**63) - 1, "f is too large a number"),
        ("long", 1e300, "f is too large a number"),
        ("double", 10**400, "f is too large a number"),
        ("double", "0.1", "f must be a number, but is text"),
        ("string", 5, "f must be text, but is a number"),
        ("string", {}, "f must be text, but is an object"),
        ("bytes", "text", "f must be bytes, which JSON has not, but is text"),
        ({"type": "fixed", "name": "F", "size": 2}, "ab", "f must be bytes"),
        ("boolean", 1, "f must be a boolean"),
        ("null", 1, "f must be null"),
        (ENUM, "GREEN", "f must be one of RED, BLUE"),
        (ENUM, ["RED"], "f must be one of RED, BLUE"),
        (["null", "long"], "x", "f must be a whole number, but is text"),
        (["null", "long", "boolean"], "x", "f is text and fits no type of the union"),
        ({"type": "array", "items": "int"}, [1, "x"], "f[1] must be a whole number"),
        ({"type": "array", "items": "int"}, 1, "f must be a list"),
        ({"type": "map", "values": "int"}, {"a": "x"}, "f.a must be a whole number"),
        ({"type": "map", "values": "int"}, [], "f must be an object"),
        ({"type": "record", "name": "I", "fields": [{"name": "x", "type": "int"}]}, {"x": "1"}, "f.x must be"),
        ({"type": "record", "name": "I", "fields": [{"name": "x", "type": "int"}]}, {}, "f.x is missing"),
    ],
)
def test_values_that_do_not_fit_name_the_place(kind: Any, value: Any, text: str) -> None:
    for refuse_unknown in (True, False):
        assert text in refused(record(kind), {"f": value}, refuse_unknown=refuse_unknown)


def test_a_field_that_the_schema_does_not_know() -> None:
    """An error by an inline schema, silently left out with a registry: as each of the two is in the Java runtime."""
    assert "No field named 'extra' in R" in refused(record("int"), {"f": 1, "extra": 2})
    assert decoded(record("int"), {"f": 1, "extra": 2}, refuse_unknown=False) == {"f": 1}


@pytest.mark.parametrize("refuse_unknown", [True, False])
def test_a_field_that_is_missing(refuse_unknown: bool) -> None:
    assert "f is missing" in refused(record("int"), {}, refuse_unknown=refuse_unknown)
    assert decoded(record(["null", "int"]), {}, refuse_unknown=refuse_unknown) == {"f": None}
    assert decoded(record("int", default=7), {}, refuse_unknown=refuse_unknown) == {"f": 7}
    nullable = record(["null", "int"], default=None)
    assert decoded(nullable, {}, refuse_unknown=refuse_unknown) == {"f": None}


def test_unions_of_records_take_the_one_that_knows_most_fields() -> None:
    def branch(name: str, *fields: str) -> dict[str, Any]:
        return {"type": "record", "name": name, "fields": [{"name": each, "type": "int"} for each in fields]}

    schema = record([branch("A", "x"), branch("B", "x", "y")])
    assert decoded(schema, {"f": {"x": 1, "y": 2}}) == {"f": {"x": 1, "y": 2}}
    assert decoded(schema, {"f": {"x": 1}}) == {"f": {"x": 1}}
    assert decoded(schema, {"f": {"x": 1, "y": 2}}, refuse_unknown=False) == {"f": {"x": 1, "y": 2}}


def test_a_record_that_refers_to_itself() -> None:
    fields = [{"name": "v", "type": "int"}, {"name": "next", "type": ["null", "Node"]}]
    node = json.dumps({"type": "record", "name": "a.b.Node", "fields": fields})
    chain = {"v": 1, "next": {"v": 2, "next": {"v": 3, "next": None}}}
    assert decoded(node, chain) == chain
    deep: Any = None
    for _ in range(5000):
        deep = {"v": 1, "next": deep}
    with pytest.raises(ConnectorError, match="nested too deeply"):
        avro_schema(node, refuse_unknown=True).encode(deep)


def test_logical_types() -> None:
    millis = record({"type": "long", "logicalType": "timestamp-millis"})
    encoded = avro_schema(millis, refuse_unknown=True).encode({"f": 1_700_000_000_123})
    plain = fastavro.parse_schema(json.loads(record("long")))
    assert fastavro.schemaless_reader(io.BytesIO(encoded), plain, None) == {"f": 1_700_000_000_123}
    money = record({"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2})
    assert str(decoded(money, {"f": 12.5})["f"]) == "12.50"
    assert "more digits" in refused(money, {"f": 12.345})
    assert "more digits" in refused(money, {"f": 12345.67})
    assert "f must be a number" in refused(money, {"f": "12.5"})
    uuid = record({"type": "string", "logicalType": "uuid"})
    text = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    assert str(decoded(uuid, {"f": text})["f"]) == text


def test_any_type_may_stand_at_the_root() -> None:
    assert decoded('"string"', "s") == "s"
    assert decoded('{"type": "array", "items": "int"}', [1]) == [1]
    assert "the value itself must be text" in refused('"string"', 5)


@pytest.mark.parametrize("text", ["", "no json", "{}", '{"type": "recrod"}', "[1]", '{"type":"record"}', "7"])
def test_a_schema_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ConnectorError, match="The Avro schema cannot be read"):
        avro_schema(text, refuse_unknown=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ("{'a': 'b'}", {"a": "b"}),
        ("{'a': \"it's\", 'b': 'say \"hi\"'}", {"a": "it's", "b": 'say "hi"'}),
        ("{'c': 'it\\'s', 'd': 'x\\ny'}", {"c": "it's", "d": "x\ny"}),
        ("'text'", "text"),
        ("[1, 2]", [1, 2]),
    ],
)
def test_single_quotes_are_tolerated(text: str, value: Any) -> None:
    assert read_json(text) == value


@pytest.mark.parametrize("text", ["", "hello", "{'a: 1}", "{", "[" * 5000])
def test_text_that_is_no_json(text: str) -> None:
    with pytest.raises(ConnectorError, match="no JSON"):
        read_json(text)
