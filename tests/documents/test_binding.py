"""Binding: what a document becomes, by the type that the input model names."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from coupler.documents.binding import bind_documents
from coupler.documents.config import DocumentsConfig
from coupler.documents.content import Content
from coupler.documents.document import Document
from coupler.documents.reference import CamundaReference
from coupler.documents.service import Documents
from coupler.errors import ConnectorError, InputError
from coupler.sdk import Input
from tests.documents.kit import call, inline, stored


class Everything(Input):
    """One field of each kind."""

    document: Document | None = None
    content: bytes | None = None
    text: str | None = None
    anything: Any = None
    documents: list[Document] | None = None
    texts: list[str] | None = None
    named: dict[str, str] | None = None
    mapping: dict[str, Any] | None = None
    either: Document | str | None = None
    number: int | None = None


class CountingStore:
    """A store that counts what is read at the same time."""

    name = "counting"

    def __init__(self) -> None:
        self.open_now = self.most_open = self.opened = 0

    @asynccontextmanager
    async def open(self, reference: CamundaReference) -> AsyncIterator[Content]:
        self.opened += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            if reference.document_id == "broken":
                raise ConnectorError("the store is on fire", code="503")
            yield Content(reference.metadata, self._pieces(reference.document_id.encode()))
        finally:
            self.open_now -= 1

    async def _pieces(self, content: bytes) -> AsyncIterator[bytes]:
        for byte in content:
            await asyncio.sleep(0)
            yield bytes([byte])

    async def create(self, content: Any, new: Any) -> CamundaReference:
        raise NotImplementedError

    async def delete(self, reference: CamundaReference) -> None:
        raise NotImplementedError

    async def link(self, reference: CamundaReference, ttl_seconds: float | None = None) -> Any:
        raise NotImplementedError

    async def close(self) -> None:
        pass


async def bound(
    values: dict[str, Any], store: CountingStore | None = None, model: type[BaseModel] = Everything, **config: Any
) -> Any:
    """Binds to ``model``."""
    documents = Documents(store, config=DocumentsConfig(**config))
    return await bind_documents(values, model.model_validate, documents)


def b64(text: str) -> str:
    """Base64 of UTF-8 text."""
    return b64encode(text.encode()).decode()


async def test_a_document_becomes_a_handle() -> None:
    result = await bound({"document": inline("hällo", "a.txt")})
    assert isinstance(result.document, Document)
    assert (result.document.file_name, result.document.content_type, result.document.size) == ("a.txt", "text/plain", 6)
    assert await result.document.read() == "hällo".encode()
    assert await result.document.text() == "hällo"
    assert await result.document.base64() == b64("hällo")
    assert [piece async for piece in result.document.stream()] == ["hällo".encode()]
    assert result.document.reference() == inline("hällo", "a.txt")


async def test_a_handle_reads_nothing_by_itself() -> None:
    store = CountingStore()
    result = await bound({"document": stored("abc"), "anything": {"deep": [stored("def")]}}, store)
    assert store.opened == 0
    assert await result.document.read() == b"abc"
    assert await result.anything["deep"][0].read() == b"def"


async def test_a_list_of_one_is_the_document_and_of_two_is_refused() -> None:
    assert isinstance((await bound({"document": [inline("a")]})).document, Document)
    with pytest.raises(ValidationError, match="exactly one document is wanted here, not 2"):
        await bound({"document": [inline("a"), inline("b")]})


@pytest.mark.parametrize("value", ["text", 5, {"a": 1}, []])
async def test_what_is_no_document_is_refused_where_one_is_wanted(value: Any) -> None:
    with pytest.raises(ValidationError, match="document"):
        await bound({"document": value})


async def test_bytes_get_the_content() -> None:
    assert (await bound({"content": inline("hällo")})).content == "hällo".encode()


async def test_text_gets_base64_of_the_content() -> None:
    result = await bound({"text": inline("hällo"), "texts": ["a", inline("b")], "named": {"x": inline("c"), "y": "d"}})
    assert result.text == b64("hällo")
    assert result.texts == ["a", b64("b")]
    assert result.named == {"x": b64("c"), "y": "d"}


async def test_a_document_in_a_list_of_one_as_text() -> None:
    assert (await bound({"text": [inline("a")]})).text == b64("a")


async def test_untyped_values_keep_the_handle_in_place() -> None:
    values = {"anything": {"a": [1, inline("x"), {"b": inline({"c": 1})}], "d": None}, "mapping": {"e": inline("y")}}
    result = await bound(values)
    assert result.anything["a"][0] == 1
    assert await result.anything["a"][1].text() == "x"
    assert await result.anything["a"][2]["b"].text() == '{"c":1}'
    assert isinstance(result.mapping["e"], Document)
    assert result.anything["d"] is None


async def test_an_untyped_value_may_be_the_document_itself() -> None:
    assert isinstance((await bound({"anything": inline("x")})).anything, Document)


async def test_a_typed_object_gets_the_reference() -> None:
    assert (await bound({"mapping": inline("x")})).mapping == inline("x")


async def test_a_union_prefers_the_handle() -> None:
    assert isinstance((await bound({"either": inline("x")})).either, Document)
    assert (await bound({"either": "x"})).either == "x"


async def test_lists_of_documents() -> None:
    assert [await d.text() for d in (await bound({"documents": [inline("a"), inline("b")]})).documents] == ["a", "b"]
    assert [await d.text() for d in (await bound({"documents": inline("a")})).documents] == ["a"]


async def test_a_document_where_a_number_is_wanted_is_an_error_of_the_model() -> None:
    with pytest.raises(ValidationError) as caught:
        await bound({"number": inline("5"), "text": inline("a")})
    assert [detail["loc"] for detail in caught.value.errors()] == [("number",)]


async def test_models_that_are_not_ours_work_the_same_way() -> None:
    class Plain(BaseModel):
        file: Document
        body: bytes
        note: str

    result = await bound({"file": inline("a"), "body": inline("b"), "note": inline("c")}, model=Plain)
    assert (await result.file.read(), result.body, result.note) == (b"a", b"b", b64("c"))


async def test_unions_of_models_by_a_discriminator() -> None:
    class Upload(Input):
        kind: Literal["upload"]
        document: Document
        label: str

    class Delete(Input):
        kind: Literal["delete"]
        key: str

    class Action(Input):
        action: Upload | Delete = Field(discriminator="kind")

    values = {"action": {"kind": "upload", "document": inline("a"), "label": inline("b")}}
    result = await bound(values, model=Action)
    assert await result.action.document.text() == "a"
    assert result.action.label == b64("b")


async def test_contents_are_read_at_the_same_time_but_not_all_at_once() -> None:
    store = CountingStore()
    names = [f"document {number}" for number in range(20)]
    result = await bound({"texts": [stored(name) for name in names]}, store, concurrent_reads=4)
    assert result.texts == [b64(name) for name in names]
    assert store.most_open == 4
    assert store.opened == 20


async def test_the_first_failure_ends_all_reads_and_names_its_property() -> None:
    store = CountingStore()
    with pytest.raises(ConnectorError, match=r"^texts\.1: the store is on fire$") as caught:
        await bound({"texts": [stored("long" * 200), stored("broken"), stored("long" * 200)]}, store)
    assert caught.value.code == "503"
    assert store.open_now == 0


async def test_contents_in_memory_are_limited_together() -> None:
    with pytest.raises(InputError, match=r"texts\.\d: the documents of one input may be 10 bytes in all"):
        await bound({"texts": [inline("123456"), inline("123456")]}, max_read_bytes=10)
    with pytest.raises(InputError, match=r"texts\.\d: the documents of one input may be 10 bytes in all"):
        await bound({"texts": [call("getText", inline("123456")), inline("123456")]}, max_read_bytes=10)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"anything": {"a": [inline(None)]}}, r"anything\.a\.0: an inline document needs a content"),
        ({"document": {"camunda.document.type": "x"}}, r"document: camunda.document.type must be"),
        ({"text": stored("../x")}, r"text: the documentId '../x' is not allowed"),
        ({"text": stored("x")}, r"text: This runtime has no document store"),
        ({"text": {"camunda.document.type": "external", "url": "http://x"}}, "text: This runtime does not fetch"),
    ],
)
async def test_a_wrong_reference_is_refused_with_its_property(values: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        await bound(values)


async def test_nesting_beyond_all_measure_is_an_input_error() -> None:
    deep: Any = inline("x")
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InputError, match="nested too deeply"):
        await bound({"anything": deep})
    while isinstance(deep, list):  # taken apart by hand: freeing it at once recurses as well
        deep = deep.pop()


async def test_inline_names_and_types() -> None:
    unnamed = (await bound({"document": inline("x")})).document
    assert len(unnamed.file_name) == 36
    assert unnamed.content_type == "application/octet-stream"
    assert (await bound({"document": inline("x", "a.json", "text/csv")})).document.content_type == "text/csv"
    assert (await bound({"document": inline("x", "a.pdf")})).document.content_type == "application/pdf"


async def test_an_inline_document_has_no_link() -> None:
    with pytest.raises(InputError, match="has no link"):
        await (await bound({"document": inline("x")})).document.link()


async def test_reading_more_than_allowed_is_refused() -> None:
    document = (await bound({"document": inline("12345678901")}, max_read_bytes=10)).document
    with pytest.raises(InputError, match="larger than the 10 bytes"):
        await document.read()
    assert await document.read(max_bytes=11) == b"12345678901"
