"""All documents of a runtime: handles for references, and new documents."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, assert_never

from coupler import json
from coupler.documents.config import DocumentsConfig
from coupler.documents.content import Content, in_pieces
from coupler.documents.document import Document
from coupler.documents.external import open_external
from coupler.documents.moments import moment_after, moment_text
from coupler.documents.names import content_type_of, random_name
from coupler.documents.reference import (
    CamundaReference,
    DocumentReference,
    ExternalReference,
    InlineReference,
    Metadata,
)
from coupler.documents.store import DocumentLink, DocumentStore, NewDocument, Source
from coupler.errors import InputError
from coupler.http.messages import HttpEngine

_NO_STORE = (
    "This runtime has no document store: set the REST address of the cluster (COUPLER_GATEWAY__REST_ADDRESS), "
    "where documents are kept."
)
_NO_ENGINE = "This runtime does not fetch external documents."


class Documents:
    """Makes handles from references, and documents from content.

    Without a store there are inline and external documents only, without an engine inline ones only.
    """

    def __init__(
        self,
        store: DocumentStore | None = None,
        engine: HttpEngine | None = None,
        config: DocumentsConfig | None = None,
    ) -> None:
        self.config = config or DocumentsConfig()
        self._store = store
        self._engine = engine

    @property
    def max_read_bytes(self) -> int:
        """The largest content that is read into memory as a whole."""
        return self.config.max_read_bytes

    def document(self, reference: DocumentReference) -> Document:
        """The handle for a reference. Fetches nothing."""
        return Document(reference, _metadata(reference), self)

    async def create(
        self,
        content: Source,
        *,
        file_name: str | None = None,
        content_type: str | None = None,
        ttl_seconds: float | None = None,
        custom_properties: Mapping[str, Any] | None = None,
    ) -> Document:
        """Stores content; an asynchronous stream is passed on as it comes.

        Args:
            content: bytes, or an asynchronous iterable of bytes.
            file_name: default: a random one.
            content_type: default: what the name suggests.
            ttl_seconds: default: the store's own.
            custom_properties: JSON values kept with the document.

        Raises:
            InputError: there is no store, or it refuses this document.
            ConnectorError: it could not be stored now.
        """
        store = self._require_store()
        reference = await store.create(
            content,
            NewDocument(
                file_name=file_name or random_name(),
                content_type=content_type or content_type_of(file_name),
                expires_at=None if ttl_seconds is None else moment_text(moment_after(time.time(), ttl_seconds)),
                custom_properties=custom_properties or {},
            ),
        )
        return self.document(reference)

    async def delete(self, document: Document) -> None:
        """Deletes a document from the store.

        Raises:
            InputError: it is not (or no longer) in the store.
        """
        if not isinstance(document.source, CamundaReference):
            raise InputError("Only documents in the document store can be deleted.")
        await self._require_store().delete(document.source)

    def open(self, reference: DocumentReference) -> AbstractAsyncContextManager[Content]:
        """Opens the content behind a reference."""
        match reference:
            case CamundaReference():
                return self._require_store().open(reference)
            case ExternalReference():
                if self._engine is None:
                    raise InputError(_NO_ENGINE)
                return open_external(reference, self._engine, self.config)
            case InlineReference():
                return _open_inline(reference)
            case _:
                assert_never(reference)

    async def link(self, reference: DocumentReference, ttl_seconds: float | None = None) -> DocumentLink:
        """Makes a link to the content behind a reference."""
        match reference:
            case CamundaReference():
                return await self._require_store().link(reference, ttl_seconds)
            case ExternalReference():
                return DocumentLink(reference.url)
            case InlineReference():
                raise InputError("An inline document has no link: its content is nowhere but in the variable.")
            case _:
                assert_never(reference)

    async def close(self) -> None:
        """Closes the store. Idempotent."""
        if self._store is not None:
            await self._store.close()

    def _require_store(self) -> DocumentStore:
        if self._store is None:
            raise InputError(_NO_STORE)
        return self._store


def _inline_bytes(reference: InlineReference) -> bytes:
    content = reference.content
    return content.encode() if isinstance(content, str) else json.dump_bytes(content)


@asynccontextmanager
async def _open_inline(reference: InlineReference) -> AsyncIterator[Content]:
    content = _inline_bytes(reference)
    yield Content(_metadata(reference), in_pieces(content))


def _metadata(reference: DocumentReference) -> Metadata:
    match reference:
        case CamundaReference():
            return reference.metadata
        case ExternalReference():
            return Metadata(file_name=reference.name)
        case InlineReference():
            name = reference.name or random_name()
            content_type = reference.content_type or content_type_of(reference.name)
            return Metadata(content_type=content_type, file_name=name, size=len(_inline_bytes(reference)))
        case _:
            assert_never(reference)


NO_DOCUMENTS = Documents()
"""Where nothing was wired: inline documents alone."""

__all__ = ["NO_DOCUMENTS", "Documents"]
