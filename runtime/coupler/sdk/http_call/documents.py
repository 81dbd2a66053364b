"""Documents in calls: what a call needs of a document it sends, and of the store that keeps a response."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol, TypeGuard

from coupler.sdk.context import JobContext
from coupler.sdk.errors import ConnectorError


class SourceDocument(Protocol):
    """A document that the runtime put in the place of its reference."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Among others ``fileName`` and ``contentType``, each where known."""
        ...

    async def read(self) -> bytes:
        """The whole content."""
        ...


class DocumentStore(Protocol):
    """Keeps content and returns a reference, a value with a JSON form."""

    async def create(
        self, content: AsyncIterator[bytes], *, content_type: str | None = None, file_name: str | None = None
    ) -> Any:
        """Stores content as it arrives."""
        ...


def is_document(value: object) -> TypeGuard[SourceDocument]:
    """Whether a value of the input is a document."""
    return hasattr(value, "read") and hasattr(value, "metadata")


def holds_documents(value: Any) -> bool:
    """Whether there is a document anywhere in a value."""
    if isinstance(value, dict):
        return any(holds_documents(member) for member in value.values())
    if isinstance(value, list):
        return any(holds_documents(element) for element in value)
    return not (value is None or isinstance(value, str | int)) and is_document(value)


async def with_base64(value: Any) -> Any:
    """The value with the Base64 text of its content in the place of every document."""
    if isinstance(value, dict):
        return {key: await with_base64(member) for key, member in value.items()}
    if isinstance(value, list):
        return [await with_base64(element) for element in value]
    if is_document(value):
        return b64encode(await value.read()).decode("ascii")
    return value


def store_of(context: JobContext) -> DocumentStore:
    """The runtime's document store.

    Raises:
        ConnectorError: it has none.
    """
    store: DocumentStore | None = getattr(context.resources, "documents", None)
    if store is None:
        raise ConnectorError(
            "Error while executing an HTTP request: Failed to create document: the runtime has no document store",
            code="500",
        )
    return store


__all__ = ["DocumentStore", "SourceDocument", "holds_documents", "is_document", "store_of", "with_base64"]
