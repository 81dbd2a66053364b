"""Intrinsic functions: results, nesting, the limit, and errors that name the property."""

from __future__ import annotations

from typing import Any

import pytest

from coupler.documents.files import FileDocumentStore
from coupler.documents.store import NewDocument
from coupler.errors import InputError
from tests.documents.kit import call, external, inline
from tests.documents.test_binding import b64, bound


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        (call("base64", "hällo"), b64("hällo")),
        (call("base64", inline("hällo")), b64("hällo")),
        (call("getText", inline("hällo")), "hällo"),
        (call("getText", inline("ä"), "iso-8859-1"), "Ã¤"),
        (call("getJson", inline('{"a": [1, 2.50]}')), {"a": [1, pytest.approx(2.5)]}),
        (call("getJson", inline('{"a": {"b": [1, 2]}}'), "a.b[2]"), 2),
        (call("getJson", inline("[1, 2, 3]"), "= sum(response)"), 6),
        (call("getJson", inline('{"a": 1}'), "nothing"), None),
        (call("createLink", external("https://example.com/x?y=z")), "https://example.com/x?y=z"),
        (call("base64", call("getText", inline("nested"))), b64("nested")),
        (call("getText", inline({"text": call("base64", "deep")})), '{"text":"' + b64("deep") + '"}'),
    ],
)
async def test_results(expression: dict[str, Any], result: Any) -> None:
    assert (await bound({"anything": {"deep": [expression]}})).anything == {"deep": [result]}


async def test_a_single_parameter_needs_no_list() -> None:
    values: dict[str, Any] = {"text": {"camunda.function.type": "base64", "params": "x"}}
    assert (await bound(values)).text == b64("x")
    values = {"text": {"camunda.function.type": "getText", "params": inline("x")}}
    assert (await bound(values)).text == "x"


async def test_numbers_stay_exact() -> None:
    result = await bound({"anything": call("getJson", inline("[0.1, 1.50, 9007199254740993]"))})
    assert [str(number) for number in result.anything] == ["0.1", "1.50", "9007199254740993"]


async def test_the_result_must_fit_the_type() -> None:
    assert (await bound({"number": call("getJson", inline("5"))})).number == 5
    with pytest.raises(ValueError, match="number"):
        await bound({"number": call("getText", inline("five"))})


async def test_links_of_stored_documents() -> None:
    store = FileDocumentStore.temporary(link_base="http://here/links", clock=lambda: 1_000_000.0)
    try:
        reference = (await store.create(b"x", NewDocument())).to_json()
        result = await bound({"text": call("createLink", reference, "PT5M")}, store)  # type: ignore[arg-type]
        assert result.text.startswith("http://here/links/")
        assert await store.open_link(result.text.rpartition("/")[2])
    finally:
        await store.close()


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        (call("document", "http://x"), r"text: No intrinsic function found with name: document$"),
        (call("__class__"), "No intrinsic function found with name: __class__"),
        ({"camunda.function.type": None}, "No intrinsic function found with name: None"),
        ({"camunda.function.type": ["base64"]}, "No intrinsic function found with name"),
        (call("base64"), "base64 takes 1 parameters, but got 0"),
        (call("base64", 5), "base64 needs a document or text, not a number"),
        (call("getText", "x"), "getText needs a document as its first parameter, not text"),
        (call("getText", inline("x"), "klingon"), "there is no charset 'klingon'"),
        (call("getText", inline("x"), "zlib"), "there is no charset 'zlib'"),
        (call("getText", inline("x"), 5), "the charset must be text, not a number"),
        (call("getText", inline("x"), "a", "b"), "getText takes 1 to 2 parameters, but got 3"),
        (call("getJson", inline("{")), "text: getJson: the document is not JSON"),
        (call("getJson", inline("[1]"), "1 +"), "text: getJson: "),
        (call("createLink", inline("x")), "text: An inline document has no link"),
        (call("createLink", external("http://x"), "5 minutes"), "createLink: '5 minutes' is not an ISO 8601 duration"),
        (call("createLink", external("http://x"), "PT0S"), "must be more than 0"),
        (call("base64", call("getText", "x")), r"text\.0: getText needs a document"),
    ],
)
async def test_wrong_calls_name_the_property(expression: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        await bound({"text": expression})


async def test_ten_calls_and_no_more() -> None:
    assert len((await bound({"texts": [call("base64", "x")] * 10})).texts) == 10
    with pytest.raises(InputError, match=r"texts\.10: more than 10 calls of intrinsic functions"):
        await bound({"texts": [call("base64", "x") for _ in range(11)]})


async def test_nested_calls_count() -> None:
    nested: Any = "x"
    for _ in range(11):
        nested = call("base64", nested)
    with pytest.raises(InputError, match="more than 10 calls"):
        await bound({"text": nested})
