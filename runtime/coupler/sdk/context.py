"""What a connector may know of the job it runs, and the resources it may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from coupler.http.messages import HttpEngine

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

    @property
    def http_engine(self) -> HttpEngine:
        """The outbound HTTP engine."""
        return self.resources.http_engine

    @property
    def http(self) -> httpx.AsyncClient:
        """An httpx client over the same engine."""
        return self.resources.http()
