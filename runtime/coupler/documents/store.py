"""The seam of document stores."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from coupler.documents.content import Content
from coupler.documents.reference import CamundaReference
from coupler.errors import InputError

Source: TypeAlias = bytes | AsyncIterable[bytes]


@dataclass(slots=True, frozen=True, kw_only=True)
class NewDocument:
    """What is said about a document that is to be stored.

    It is kept until ``expires_at`` (ISO 8601), without one as long as the store decides.
    """

    file_name: str | None = None
    content_type: str | None = None
    expires_at: str | None = None
    custom_properties: Mapping[str, Any] = field(default_factory=dict)
    process_definition_id: str | None = None
    process_instance_key: str | None = None


@dataclass(slots=True, frozen=True)
class DocumentLink:
    """An address from which everybody who knows it can fetch a document, until ``expires_at`` (ISO 8601)."""

    url: str
    expires_at: str | None = None


class DocumentNotFound(InputError):
    """There is no such document: it was deleted, or it has expired."""


class DocumentExists(InputError):
    """A document with this id is already there."""


class HashMismatch(InputError):
    """The content is not the one that the reference was made for."""


class DocumentStore(Protocol):
    """Where documents of references of the kind ``camunda`` are kept.

    All methods raise ``InputError`` where another attempt would not help, ``ConnectorError`` where it may.
    """

    name: str

    async def create(self, content: Source, new: NewDocument) -> CamundaReference:
        """Stores content, which may be an asynchronous stream: it is passed on as it comes, never held as a whole."""
        ...

    def open(self, reference: CamundaReference) -> AbstractAsyncContextManager[Content]:
        """Opens a document for reading.

        Raises:
            DocumentNotFound: it is not there any more.
            HashMismatch: it is not the document that was referred to.
        """
        ...

    async def delete(self, reference: CamundaReference) -> None:
        """Deletes a document.

        Raises:
            DocumentNotFound: it is not there any more.
        """
        ...

    async def link(self, reference: CamundaReference, ttl_seconds: float | None = None) -> DocumentLink:
        """Makes a link; without ``ttl_seconds`` it lives as long as the store says.

        Raises:
            DocumentNotFound: it is not there any more.
        """
        ...

    async def close(self) -> None:
        """Releases what the store holds. Idempotent."""
        ...


__all__ = [
    "DocumentExists",
    "DocumentLink",
    "DocumentNotFound",
    "DocumentStore",
    "HashMismatch",
    "NewDocument",
    "Source",
]
