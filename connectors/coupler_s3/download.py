"""An object becomes a document, a text or a value."""

from __future__ import annotations

import base64
from typing import Any

from coupler.sdk import ConnectorError, JobContext
from coupler.sdk.documents import INLINE_LIMIT_BYTES, Document, ReturnFormat, return_format
from coupler_s3.actions import Download
from coupler_s3.answers import facts
from coupler_s3.model import ResponseFormat
from coupler_s3.s3 import S3
from coupler_s3.stream import PIECE_BYTES, ObjectStream


async def download(action: Download, format_: ResponseFormat | None, s3: S3, context: JobContext) -> dict[str, Any]:
    """Fetches an object; where the model chooses no format, the rules of older templates do."""
    chosen = None if format_ is None else format_.checked()
    if chosen is None and action.as_file:
        chosen = ReturnFormat.DOCUMENT
    stream = ObjectStream(s3, action.bucket, action.key, action.version_id)
    try:
        answer = await stream.open(PIECE_BYTES if chosen is ReturnFormat.DOCUMENT else INLINE_LIMIT_BYTES)
        if chosen is ReturnFormat.DOCUMENT:
            element: dict[str, Any] = {
                "document": await _document(stream, action.key, answer.get("ContentType"), context)
            }
        elif chosen is None:
            element = {"content": await _by_content_type(stream, answer.get("ContentType"), context)}
        else:
            encoding = None if format_ is None else format_.encoding
            element = {"content": await _inline(stream, chosen, context, encoding)}
    finally:
        stream.close()
    return {"bucket": action.bucket, "key": action.key, "element": element, **facts(answer)}


async def _document(stream: ObjectStream, key: str, content_type: str | None, context: JobContext) -> Document:
    source = stream.pieces() if stream.content is None else stream.content
    try:
        document: Document = await return_format(
            ReturnFormat.DOCUMENT, source, context, content_type=content_type, file_name=key
        )
    except Exception as error:
        if stream.failure is not None:
            raise stream.failure from error  # not the store broke off, S3 did
        raise
    return document


async def _inline(stream: ObjectStream, chosen: ReturnFormat, context: JobContext, encoding: str | None = None) -> Any:
    source = stream.pieces() if stream.content is None else stream.content
    return await return_format(chosen, source, context, encoding=encoding)


async def _by_content_type(stream: ObjectStream, content_type: str | None, context: JobContext) -> Any:
    """The rules of templates 1 to 4: the type decides by its exact text."""
    if content_type == "text/plain":
        return await _inline(stream, ReturnFormat.TEXT, context)
    if content_type == "application/json":
        return await _inline(stream, ReturnFormat.JSON, context)
    if stream.content is None:
        raise ConnectorError(
            f"The content is larger than {INLINE_LIMIT_BYTES} bytes, too large to be returned as Base64 text. "
            "Let the object become a document.",
            code="CONTENT_TOO_LARGE",
        )
    return base64.b64encode(stream.content).decode("ascii")


__all__ = ["download"]
