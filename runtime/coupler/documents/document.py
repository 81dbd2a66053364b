"""The handle of a document, as connectors get it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from coupler.documents.blocking import ContentFile
from coupler.documents.content import Content, read_all
from coupler.documents.reference import DocumentReference, Metadata
from coupler.documents.store import DocumentLink

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema


class Access(Protocol):
    """What a handle needs of the service that made it."""

    @property
    def max_read_bytes(self) -> int:
        """The largest content that is read into memory as a whole."""
        ...

    def open(self, reference: DocumentReference) -> AbstractAsyncContextManager[Content]:
        """Opens the content behind a reference."""
        ...

    async def link(self, reference: DocumentReference, ttl_seconds: float | None) -> DocumentLink:
        """Makes a link to the content behind a reference."""
        ...


class Document:
    """One document. Nothing is fetched before the content is asked for, and nothing is kept afterwards.

    Input models name it as the type of a field. What is returned in a response becomes the document's reference.

    ``metadata`` says what is known: for an external document that is little before it has been opened once.
    """

    __slots__ = ("_access", "_loop", "metadata", "source")

    def __init__(self, source: DocumentReference, metadata: Metadata, access: Access) -> None:
        self.source = source
        self.metadata = metadata
        self._access = access
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    @property
    def file_name(self) -> str | None:
        """The file's name."""
        return self.metadata.file_name

    @property
    def content_type(self) -> str | None:
        """The media type."""
        return self.metadata.content_type

    @property
    def size(self) -> int | None:
        """The size in bytes."""
        return self.metadata.size

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Content]:
        """Opens the document; its metadata are complete from then on.

        Raises:
            InputError: the document is not there, has changed, or may not be fetched.
            ConnectorError: it could not be fetched now.
        """
        async with self._access.open(self.source) as content:
            self.metadata = content.metadata
            yield content

    async def stream(self) -> AsyncIterator[bytes]:
        """The content piece by piece, however large it is."""
        async with self.open() as content:
            async for piece in content.pieces:
                yield piece

    async def read(self, max_bytes: int | None = None) -> bytes:
        """The whole content.

        Raises:
            ContentTooLarge: it is larger than ``max_bytes`` (default: what the runtime allows in memory).
        """
        async with self.open() as content:
            return await read_all(content.pieces, self._access.max_read_bytes if max_bytes is None else max_bytes)

    async def text(self, charset: str = "utf-8") -> str:
        """The content as text; bytes that do not belong to the charset become replacement characters.

        Raises:
            LookupError: there is no such charset.
        """
        return (await self.read()).decode(charset, "replace")

    async def base64(self) -> str:
        """The content as Base64 text."""
        return base64.b64encode(await self.read()).decode("ascii")

    async def link(self, ttl_seconds: float | None = None) -> str:
        """A URL from which everybody who knows it can fetch the content; of an external document, its own.

        Raises:
            InputError: this kind of document, or this store, has no links.
        """
        return (await self._access.link(self.source, ttl_seconds)).url

    def file(self) -> ContentFile:
        """The content as a readable file for blocking libraries; to be used in another thread than the event loop's.

        Close it, or use it in a ``with`` statement.
        """
        if self._loop is None:
            raise RuntimeError("this document was made outside of an event loop and cannot be read from a thread")
        return ContentFile(self.open(), self._loop)

    def reference(self) -> dict[str, Any]:
        """The reference as JSON: what other tasks of the process need to find the document."""
        return self.source.to_json()

    def to_json(self) -> dict[str, Any]:
        """The same as ``reference``; the JSON encoder asks for it."""
        return self.reference()

    def __repr__(self) -> str:
        return f"<Document {self.metadata.file_name or type(self.source).__name__}>"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accepts a handle, and a list of exactly one."""
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            _only_document,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda document: document.to_json()),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """An object: a reference."""
        return {"type": "object", "title": "Document"}


def _only_document(value: Any) -> Document:
    if type(value) is list and len(value) == 1:
        value = value[0]
    if isinstance(value, Document):
        return value
    if isinstance(value, list):
        raise ValueError(f"exactly one document is wanted here, not {len(value)}")
    raise ValueError("a document reference is wanted here: an object with camunda.document.type")


__all__ = ["Access", "Document"]
