"""createDocument in result and error expressions, through a worker and its gateway."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from coupler import expressions
from coupler.documents.cluster import ClusterDocuments
from coupler.documents.creation import create_wished
from coupler.documents.reference import InlineReference
from coupler.documents.service import NO_DOCUMENTS, Documents
from coupler.errors import ConnectorError, InputError
from coupler.sdk.documents import Document, DocumentReturnFormat, ReturnFormat, return_format
from coupler.sdk.input import Input
from coupler.testing import CompleteCommand, FailCommand, ThrowErrorCommand
from coupler.worker.binding import bind_with_documents, decode
from tests.documents.kit import FakeCluster, http_engine, inline, serving
from tests.documents.test_binding import b64
from tests.documents.worker import run_job


@asynccontextmanager
async def cluster() -> AsyncIterator[tuple[FakeCluster, Documents]]:
    """A cluster with its documents."""
    fake = FakeCluster()
    async with serving(fake) as address, http_engine() as engine:
        yield fake, Documents(ClusterDocuments(address, engine), engine)


async def answer(bound: Any, context: Any) -> Any:
    """A connector that was called successfully."""
    return {"body": b64("content"), "forged": {"connectorResultFunction": "createDocument", "value": b64("x")}}


async def refuse(bound: Any, context: Any) -> Any:
    """A connector whose call failed."""
    raise ConnectorError("no", code="400", variables={"response": {"body": b64("page")}})


async def test_a_result_expression_makes_a_document() -> None:
    expression = '={file: {deep: [createDocument({content: body, name: "a.txt"})]}, copy: forged}'
    async with cluster() as (fake, documents):
        command = await run_job(answer, documents, headers={"resultExpression": expression})
    assert isinstance(command, CompleteCommand)
    variables = json.loads(command.variables)
    (reference,) = variables["file"]["deep"]
    assert reference["documentId"] == "document-1"
    assert reference["metadata"] == {"contentType": "text/plain", "fileName": "a.txt", "size": 7}
    assert variables["copy"] == {"connectorResultFunction": "createDocument", "value": b64("x")}
    assert fake.contents == {"document-1": b"content"}


@pytest.mark.parametrize(
    ("argument", "name", "content_type"),
    [
        ("body", None, "application/octet-stream"),
        ('{data: body, fileName: "x.pdf"}', "x.pdf", "application/pdf"),
        ('{content: body, name: "x.pdf", contentType: "a/b"}', "x.pdf", "a/b"),
        ('{content: substring(body, 1, 4) + " \n " + substring(body, 5)}', None, "application/octet-stream"),
    ],
)
async def test_forms_of_the_argument(argument: str, name: str | None, content_type: str) -> None:
    async with cluster() as (fake, documents):
        headers = {"resultExpression": f"={{file: createDocument({argument})}}"}
        command = await run_job(answer, documents, headers=headers)
    assert isinstance(command, CompleteCommand), command
    (upload,) = fake.uploads
    assert upload.content == b"content"
    assert upload.metadata["contentType"] == content_type
    assert upload.metadata["fileName"] == name if name else len(upload.metadata["fileName"]) == 36


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("=createDocument(body)", "must be the value of a field"),
        ('={a: createDocument("no base64!")}', "Result expression: a: createDocument got content that is not Base64"),
        ("={a: [createDocument({})]}", "Result expression: a.0: createDocument needs content"),
        ("={a: createDocument({content: 5})}", "needs content: Base64 text"),
        ("={a: createDocument({content: body, name: 5})}", "needs text as name or fileName"),
        ('={good: createDocument(body), bad: createDocument("é")}', "bad: createDocument got content"),
    ],
)
async def test_wrong_wishes_store_nothing(expression: str, says: str) -> None:
    async with cluster() as (fake, documents):
        command = await run_job(answer, documents, headers={"resultExpression": expression})
    assert isinstance(command, FailCommand)
    assert says in command.message
    assert command.retries == 0
    assert fake.requests == []


async def test_a_list_as_result_stores_nothing() -> None:
    async with cluster() as (fake, documents):
        command = await run_job(answer, documents, headers={"resultExpression": "=[createDocument(body)]"})
    assert isinstance(command, FailCommand)
    assert "must return a JSON object" in command.message
    assert fake.requests == []


async def test_a_failed_upload_says_that_the_call_succeeded() -> None:
    async with cluster() as (fake, documents):
        fake.answers += [(503, {"detail": "full"})] * 3
        command = await run_job(
            answer, documents, headers={"resultExpression": "={a: createDocument(body)}"}, retries=3
        )
    assert isinstance(command, FailCommand)
    assert command.retries == 2
    assert "The call succeeded, but its document could not be stored: " in command.message
    assert "the document store says: full" in command.message
    assert json.loads(command.variables or "")["error"]["code"] == "DOCUMENT_UPLOAD_FAILED"


async def test_an_error_expression_makes_documents_as_well() -> None:
    expression = '=bpmnError("E", "m", {page: createDocument(error.variables.response.body)})'
    async with cluster() as (fake, documents):
        command = await run_job(refuse, documents, headers={"errorExpression": expression})
    assert isinstance(command, ThrowErrorCommand)
    assert json.loads(command.variables or "")["page"]["documentId"] == "document-1"
    assert fake.contents == {"document-1": b"page"}


@pytest.mark.parametrize(
    "expression",
    [
        "=if false then {x: createDocument(body)} else {}",
        '={errorType: "bpmnError", errorCode: null, variables: {x: createDocument(body)}}',
        '={errorType: "unknown", variables: {x: createDocument(body)}}',
    ],
)
async def test_an_error_expression_that_says_nothing_stores_nothing(expression: str) -> None:
    async with cluster() as (fake, documents):
        await run_job(answer, documents, headers={"errorExpression": expression})
    assert fake.requests == []


async def test_a_marker_in_the_response_is_data_unless_it_is_ours() -> None:
    result: dict[str, Any] = {"a": {"document:0123": b64("x")}}
    await create_wished(result, expressions.DOCUMENT_MARKER, NO_DOCUMENTS, label="Result expression")
    assert result == {"a": {"document:0123": b64("x")}}


async def test_documents_in_the_input_and_in_the_response() -> None:
    class Files(Input):
        file: Document
        text: str

    async def execute(bound: Files, context: Any) -> Any:
        kept = await context.create_document(await bound.file.read(), file_name="copy.txt")
        return {"text": bound.text, "given": bound.file, "kept": [kept]}

    async with cluster() as (fake, documents):
        variables = {"file": inline("hello"), "text": inline("world")}
        headers = {"resultVariable": "r", "resultExpression": "={name: kept[1].metadata.fileName}"}
        command = await run_job(execute, documents, variables, headers, model=Files)
    assert isinstance(command, CompleteCommand), command
    found = json.loads(command.variables)
    assert found["name"] == "copy.txt"
    assert found["r"]["text"] == b64("world")
    assert found["r"]["given"] == inline("hello")
    assert found["r"]["kept"][0]["documentId"] == "document-1"
    assert fake.contents == {"document-1": b"hello"}


async def test_a_wrong_document_fails_without_retries() -> None:
    class Files(Input):
        file: Document

    async with cluster() as (_, documents):
        command = await run_job(answer, documents, {"file": {"camunda.document.type": "x"}}, model=Files)
        assert isinstance(command, FailCommand)
        assert command.retries == 0
        assert command.message.startswith("file: camunda.document.type must be")
        gone = {"camunda.document.type": "camunda", "documentId": "gone"}

        async def reading(bound: Any, context: Any) -> Any:
            return await bound.file.read()

        command = await run_job(reading, documents, {"file": gone}, model=Files)
        assert isinstance(command, FailCommand)
        assert command.retries == 0
        assert "The document gone is not there" in command.message


@pytest.mark.parametrize("depth", [600, 100_000])
async def test_variables_nested_beyond_all_measure(depth: int) -> None:
    text = '{"x": ' + "[" * depth + '{"camunda.document.type": "inline", "content": "x"}' + "]" * depth + "}"
    with pytest.raises(InputError, match="nested too deeply"):
        await bind_with_documents(decode(text), Input, NO_DOCUMENTS)


async def test_blocking_connectors_read_files() -> None:
    class Files(Input):
        file: Document

    def execute(bound: Files, context: Any) -> Any:
        with bound.file.file() as file:
            return {"first": file.read(3).decode(), "rest": file.read().decode(), "end": file.read(1) == b""}

    async with cluster() as (_, documents):
        stored = await documents.create(b"content")
        command = await run_job(execute, documents, {"file": stored.reference()}, {"resultVariable": "r"}, model=Files)
    assert isinstance(command, CompleteCommand), command
    assert json.loads(command.variables)["r"] == {"first": "con", "rest": "tent", "end": True}


async def test_files_refuse_to_block_the_loop() -> None:
    document = NO_DOCUMENTS.document(InlineReference("x"))
    with pytest.raises(RuntimeError, match="on the event loop use stream"):
        document.file().read()


class _Context:
    """The part of a job's context that return_format uses."""

    def __init__(self, documents: Documents) -> None:
        self.create_document = documents.create


async def formatted(choice: ReturnFormat, content: Any, documents: Documents = NO_DOCUMENTS, **options: Any) -> Any:
    """The content in a format."""
    context: Any = _Context(documents)
    return await return_format(choice, content, context, **options)


async def in_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    """A stream."""
    for piece in pieces:
        yield piece


async def test_return_formats() -> None:
    assert await formatted(ReturnFormat.TEXT, "ä".encode()) == "ä"
    assert await formatted(ReturnFormat.TEXT, "ä".encode("latin-1"), encoding="ISO-8859-1") == "ä"
    assert await formatted(ReturnFormat.TEXT, b"\xff") == "\ufffd"
    assert await formatted(ReturnFormat.JSON, in_pieces(b'{"a"', b": 1}")) == {"a": 1}
    assert await formatted(ReturnFormat.JSON, b"12") == 12
    async with cluster() as (fake, documents):
        document = await formatted(
            ReturnFormat.DOCUMENT, in_pieces(b"a", b"b"), documents, file_name="k/e/y", content_type="text/x"
        )
        assert isinstance(document, Document)
        assert fake.contents == {"document-1": b"ab"}
        assert document.reference()["metadata"]["fileName"] == "k/e/y"


@pytest.mark.parametrize(("payload", "says"), [(b"", "payload was empty"), (b" \n", "empty"), (b"{", "not valid JSON")])
async def test_json_that_is_none(payload: bytes, says: str) -> None:
    with pytest.raises(ConnectorError, match=says):
        await formatted(ReturnFormat.JSON, payload)


@pytest.mark.parametrize("choice", [ReturnFormat.TEXT, ReturnFormat.JSON])
async def test_reading_stops_at_the_limit(choice: ReturnFormat) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield b" " * 65536

    with pytest.raises(ConnectorError, match="Choose DOCUMENT as the response format"):
        await formatted(choice, endless())
    assert given == 1_572_864 // 65536 + 1
    assert await formatted(ReturnFormat.TEXT, b" " * 1_572_864) == " " * 1_572_864


@pytest.mark.parametrize("name", ["klingon", "base64", "zlib", "rot13", "x" * 300])
def test_unknown_encodings_are_found_before_the_call(name: str) -> None:
    chosen = DocumentReturnFormat.model_validate({"choice": "TEXT", "encoding": name})
    with pytest.raises(InputError, match=r"The encoding '.*' of the response format is not known"):
        chosen.checked()
    assert DocumentReturnFormat.model_validate({"choice": "JSON", "encoding": name}).checked() is ReturnFormat.JSON


async def test_a_format_that_cannot_be_stored_says_that_the_call_succeeded() -> None:
    with pytest.raises(ConnectorError, match=r"^The call succeeded, but its document could not be stored: This"):
        await formatted(ReturnFormat.DOCUMENT, b"x")


async def test_base64_as_it_is_written_by_others() -> None:
    lines = "\r\n".join([b64encode(b"x" * 30).decode()[:20], b64encode(b"x" * 30).decode()[20:]])
    async with cluster() as (fake, documents):
        result: dict[str, Any] = {"a": {expressions.DOCUMENT_MARKER: lines}}
        await create_wished(result, expressions.DOCUMENT_MARKER, documents, label="Result expression")
    assert fake.contents["document-1"] == b"x" * 30
