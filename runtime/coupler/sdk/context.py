"""What a connector may know of the job it runs, and the resources it may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from coupler.documents.document import Document
from coupler.documents.service import NO_DOCUMENTS, Documents
from coupler.documents.store import Source
from coupler.http.messages import HttpEngine
from coupler.telemetry.context import trace_headers

if TYPE_CHECKING:
    import httpx


class Resources(Protocol):
    """What the runtime lends to every connector."""

    @property
    def http_engine(self) -> HttpEngine:
        """The outbound HTTP engine."""
        ...

    def http(self) -> httpx.AsyncClient:
        """An httpx client over the same engine, shared by all; do not close it."""
        ...


@dataclass(slots=True)
class JobContext:
    """One job, as its connector sees it. ``headers`` are the task headers of the element."""

    job_key: int
    type: str
    retries: int
    headers: Mapping[str, str]
    process_instance_key: int
    process_id: str
    process_definition_key: int
    process_definition_version: int
    element_id: str
    element_instance_key: int
    tenant_id: str
    resources: Resources
    documents: Documents = NO_DOCUMENTS

    @property
    def http_engine(self) -> HttpEngine:
        """The outbound HTTP engine."""
        return self.resources.http_engine

    @property
    def http(self) -> httpx.AsyncClient:
        """An httpx client over the same engine."""
        return self.resources.http()

    def trace_headers(self) -> dict[str, str]:
        """``traceparent`` and ``tracestate`` for a system that is called without ``http``, such as a message broker.

        Empty where jobs are not traced, or called systems shall not know. Calls through ``http`` and ``http_engine``
        carry them without further ado.
        """
        return dict(trace_headers())

    async def create_document(
        self,
        content: Source,
        *,
        file_name: str | None = None,
        content_type: str | None = None,
        ttl_seconds: float | None = None,
        custom_properties: Mapping[str, Any] | None = None,
    ) -> Document:
        """Stores bytes, or an asynchronous stream of bytes as it comes; return the document in the response.

        Args:
            content: what to store.
            file_name: default: a random one.
            content_type: default: what the file name suggests.
            ttl_seconds: how long the store keeps it; default: as long as the store says.
            custom_properties: JSON values kept with the document.

        Raises:
            InputError: this runtime has no document store, or the store refuses the document.
            ConnectorError: the document could not be stored now.
        """
        return await self.documents.create(
            content,
            file_name=file_name,
            content_type=content_type,
            ttl_seconds=ttl_seconds,
            custom_properties=custom_properties,
        )
