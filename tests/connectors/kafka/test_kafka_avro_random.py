"""Random schemas with values that fit them: what comes out is what went in, by the plain library's reading."""

from __future__ import annotations

import io
import json
from itertools import count
from typing import Any

import fastavro
from hypothesis import given, settings
from hypothesis import strategies as st

from coupler.errors import ConnectorError
from coupler.json import loads
from coupler_kafka.avro import avro_schema
from coupler_kafka.lenient_json import read_json

Pair = tuple[Any, Any]
"""A schema, and a JSON value that fits it."""

_WHOLE = {"int": 2**31, "long": 2**63}
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def _primitives() -> st.SearchStrategy[Pair]:
    whole = st.sampled_from(sorted(_WHOLE)).flatmap(
        lambda kind: st.tuples(st.just(kind), st.integers(-_WHOLE[kind], _WHOLE[kind] - 1))
    )
    return st.one_of(
        whole,
        st.tuples(st.just("double"), st.floats(allow_nan=False, allow_infinity=False)),
        st.tuples(st.just("string"), st.text()),
        st.tuples(st.just("boolean"), st.booleans()),
        st.tuples(st.just("null"), st.none()),
        st.tuples(st.just({"type": "long", "logicalType": "time-micros"}), st.integers(0, 10**9)),
    )


def _arrays(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    return inner.flatmap(lambda pair: st.tuples(st.just({"type": "array", "items": pair[0]}), st.just([pair[1]] * 2)))


def _maps(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    return inner.map(lambda pair: ({"type": "map", "values": pair[0]}, {"a": pair[1], "ä b": pair[1]}))


def _records(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    def record(pairs: list[Pair]) -> Pair:
        fields = [{"name": f"f{index}", "type": schema} for index, (schema, _) in enumerate(pairs)]
        return {"type": "record", "name": "R", "fields": fields}, {f"f{i}": value for i, (_, value) in enumerate(pairs)}

    return st.lists(inner, max_size=4).map(record)


def _unions(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    def union(pairs: list[Pair]) -> Pair:
        branches: dict[str, Any] = {}
        for schema, _ in pairs:
            if not isinstance(schema, list):
                kind = schema if isinstance(schema, str) else schema["type"]
                branches.setdefault(kind, schema)
        kept = list(branches.values())
        fitting = [value for schema, value in pairs if schema in kept]
        return (kept, fitting[0]) if kept else pairs[0]

    return st.lists(inner, min_size=1, max_size=4).map(union)


def _named_apart(schema: Any, numbers: Any) -> Any:
    if isinstance(schema, list):
        return [_named_apart(each, numbers) for each in schema]
    if not isinstance(schema, dict):
        return schema
    renamed = {
        name: _named_apart(value, numbers) if name in ("items", "values", "type") else value
        for name, value in schema.items()
    }
    if schema["type"] == "record":
        renamed["name"] = f"R{next(numbers)}"
        renamed["fields"] = [{**field, "type": _named_apart(field["type"], numbers)} for field in schema["fields"]]
    return renamed


PAIRS = st.recursive(
    _primitives(), lambda inner: st.one_of(_arrays(inner), _maps(inner), _records(inner), _unions(inner)), max_leaves=12
)


@settings(max_examples=300, deadline=None)
@given(PAIRS)
def test_what_fits_arrives(pair: Pair) -> None:
    schema, value = _named_apart(pair[0], count()), pair[1]
    text = json.dumps(schema)
    for refuse_unknown in (True, False):
        encoded = avro_schema(text, refuse_unknown=refuse_unknown).encode(loads(json.dumps(value)))
        plain = json.loads(text.replace(', "logicalType": "time-micros"', ""))
        found = fastavro.schemaless_reader(io.BytesIO(encoded), fastavro.parse_schema(plain), None)
        assert found == value


@settings(max_examples=300, deadline=None)
@given(PAIRS, _JSON)
def test_anything_else_arrives_or_is_refused_in_words(pair: Pair, value: Any) -> None:
    text = json.dumps(_named_apart(pair[0], count()))
    try:
        encoded = avro_schema(text, refuse_unknown=True).encode(loads(json.dumps(value)))
    except ConnectorError as error:
        message = str(error)
    else:
        fastavro.schemaless_reader(io.BytesIO(encoded), fastavro.parse_schema(json.loads(text)), None)
        message = ""
    assert "Error:" not in message  # our own words, not those of a library


@settings(max_examples=300, deadline=None)
@given(_JSON)
def test_json_in_single_quotes_is_the_same(value: Any) -> None:
    text = json.dumps(value)
    assert read_json(text) == loads(text)
    single = text.replace("\\\\", "\\u005c").replace('\\"', "\\u0022").replace("'", "\\u0027").replace('"', "'")
    assert read_json(single) == loads(text)
