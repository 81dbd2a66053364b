"""Documents for connectors: the handle, and a response in the form that the process model chose.

    class Input(Input):
        file: Document                    # a handle: metadata, read(), stream(), file()
        picture: bytes                    # the content
        picture_text: str                 # its Base64 text
        document_return_format: DocumentReturnFormat | None = None

    async def execute(self, input, context):
        return {"file": await context.create_document(content, file_name="answer.pdf")}

A document anywhere in a response becomes its reference, which is what the process keeps.
"""

from __future__ import annotations

import codecs
from enum import Enum
from typing import Annotated, Any, Final

from coupler.documents.content import Content, ContentTooLarge, in_pieces, read_all
from coupler.documents.creation import UploadFailed
from coupler.documents.document import Document
from coupler.documents.reference import Metadata
from coupler.documents.store import DocumentNotFound, Source
from coupler.http.answers import any_json
from coupler.sdk.context import JobContext
from coupler.sdk.errors import ConnectorError, InputError
from coupler.sdk.input import Input
from coupler.sdk.template import Choice, Template, When

INLINE_LIMIT_BYTES: Final = 1_572_864
"""The largest text or JSON: more does not fit into the variables of a job."""


class ReturnFormat(Enum):
    """What becomes of content that a call gives back."""

    DOCUMENT = "DOCUMENT"
    TEXT = "TEXT"
    JSON = "JSON"


class DocumentReturnFormat(Input):
    """The input of element templates with a response format; without a choice, older rules of the connector apply."""

    choice: Annotated[
        ReturnFormat | None,
        Template(
            id="documentReturnFormat",
            label="Response format",
            description="What becomes of the content",
            default="JSON",
            choices=(
                Choice("DOCUMENT", "Document: stored, with a reference"),
                Choice("TEXT", "Text"),
                Choice("JSON", "JSON"),
            ),
        ),
    ] = None
    encoding: Annotated[
        str | None,
        Template(
            id="documentReturnFormatEncoding",
            label="Encoding",
            default="UTF-8",
            when=When("documentReturnFormat", equals="TEXT"),
        ),
    ] = None

    def checked(self) -> ReturnFormat | None:
        """The choice, found out before a call is made.

        Raises:
            InputError: there is no such encoding.
        """
        if self.choice is ReturnFormat.TEXT:
            text_encoding(self.encoding)
        return self.choice


def text_encoding(name: str | None) -> str:
    """Python's name of an encoding of text; UTF-8 where none is named.

    Raises:
        InputError: there is no such encoding.
    """
    name = (name or "").strip() or "utf-8"
    try:
        b"x".decode(name, "replace")  # empty bytes would pass with codecs that are none of text
        return codecs.lookup(name).name
    except (LookupError, ValueError) as error:
        raise InputError(f"The encoding '{name}' of the response format is not known") from error


async def return_format(
    choice: ReturnFormat,
    content: Source,
    context: JobContext,
    *,
    encoding: str | None = None,
    content_type: str | None = None,
    file_name: str | None = None,
) -> Any:
    """Content that a call gave back, in the form that the model chose: a ``Document``, a ``str``, or decoded JSON.

    Args:
        choice: the form.
        content: bytes, or an asynchronous stream: it is stored as it comes; as text or JSON it is read no further than
            its limit.
        context: the job.
        encoding: of a text, default UTF-8.
        content_type: of a document.
        file_name: of a document.

    Raises:
        InputError: there is no such encoding.
        UploadFailed: the document could not be stored; the message says that the call succeeded.
        ConnectorError: the text or JSON is larger than ``INLINE_LIMIT_BYTES``, or it is no JSON.
    """
    if choice is ReturnFormat.DOCUMENT:
        try:
            return await context.create_document(content, content_type=content_type, file_name=file_name)
        except (InputError, ConnectorError) as error:
            raise UploadFailed(error) from error
    codec = text_encoding(encoding) if choice is ReturnFormat.TEXT else "utf-8"
    body = await _inline(content, choice)
    return body.decode(codec, "replace") if choice is ReturnFormat.TEXT else _json(body)


async def _inline(content: Source, choice: ReturnFormat) -> bytes:
    try:
        return await read_all(in_pieces(content) if isinstance(content, bytes) else content, INLINE_LIMIT_BYTES)
    except ContentTooLarge as error:
        raise ConnectorError(
            f"The content is larger than {INLINE_LIMIT_BYTES} bytes, too large to be returned as {choice.value}. "
            "Choose DOCUMENT as the response format: it stores the content and returns a reference.",
            code="CONTENT_TOO_LARGE",
        ) from error


def _json(body: bytes) -> Any:
    if not body or body.isspace():
        raise ConnectorError(
            "JSON response format selected but payload was empty or could not be parsed.", code="INVALID_JSON"
        )
    try:
        return any_json(body)
    except ValueError as error:
        raise ConnectorError(
            f"JSON response format selected but the payload is not valid JSON: {error}", code="INVALID_JSON"
        ) from error


__all__ = [
    "INLINE_LIMIT_BYTES",
    "Content",
    "Document",
    "DocumentNotFound",
    "DocumentReturnFormat",
    "Metadata",
    "ReturnFormat",
    "Source",
    "UploadFailed",
    "return_format",
    "text_encoding",
]
