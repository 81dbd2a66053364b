"""Answers of the admin API. Keys are strings: a number of 64 bits does not survive JavaScript."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from coupler.admin.view import RuntimeView
from coupler.registry import Registered
from coupler.worker.status import SubscriptionStatus


class Answer(BaseModel):
    """Base of all answers, taken from the frozen dataclasses of the runtime."""

    model_config = ConfigDict(from_attributes=True, coerce_numbers_to_str=True)


class Health(BaseModel):
    """The answer of a probe."""

    status: Literal["up", "down"]
    reasons: list[str] = Field(default_factory=list, description="Why it is down.")


class Info(BaseModel):
    """What runs here, and against which cluster."""

    name: str = "coupler"
    version: str
    python: str
    started_at: float = Field(description="Epoch seconds.")
    uptime_seconds: float
    gateway_address: str
    gateway_reachable: bool
    draining: bool
    ready: bool
    embedded_engine: bool = Field(description="Whether the engine runs in this process.")
    token_needed: bool = Field(description="Whether requests need the token.")


class Subscription(Answer):
    """How a connector gets its jobs."""

    mode: str
    ready: bool
    active: int = Field(description="Jobs held right now.")
    max_active: int
    last_error: str


class Connector(Answer):
    """An installed connector."""

    plugin: str = Field(description="Its name in the settings.")
    origin: str = Field(description="The distribution that it comes from.")
    type: str
    name: str
    enabled: bool
    disabled_because: str
    input_variables: list[str] = Field(description="Variables that its jobs fetch; empty: all in scope.")
    subscription: Subscription | None

    @classmethod
    def of(cls, registered: Registered, status: SubscriptionStatus | None) -> Connector:
        """From the registry and the worker."""
        return cls(
            plugin=registered.plugin,
            origin=registered.origin,
            type=registered.type,
            name=registered.name,
            enabled=registered.enabled,
            disabled_because=registered.disabled_because,
            input_variables=list(registered.input_variables),
            subscription=None if status is None else Subscription.model_validate(status),
        )


class Job(Answer):
    """What running and ended jobs have in common."""

    job_key: str
    job_type: str
    connector: str
    element_id: str
    process_id: str
    process_instance_key: str
    retries: int = Field(description="Retries with which the job was taken.")
    started_at: float = Field(description="Epoch seconds.")
    duration_seconds: float


class Running(Job):
    """A job that is held right now."""

    state: str = Field(description="waiting, running or reporting.")


class Finished(Job):
    """A job that ended here."""

    outcome: str = Field(description="completed, failed, bpmn_error or abandoned.")
    message: str = Field(description="What the engine was told; secrets are masked.")


class OpenIncident(Answer):
    """An incident of the embedded engine that waits for help."""

    key: str
    type: str
    message: str
    process_id: str
    element_id: str
    process_instance_key: str
    job_key: str = Field(description="0 when no job is concerned.")
    created_at: float = Field(description="Epoch seconds.")


class ProcessInstance(Answer):
    """A process instance of the embedded engine."""

    key: str
    process_id: str
    state: str
    started_at: float = Field(description="Epoch seconds.")
    ended_at: float | None
    detail: str


class Template(Answer):
    """An element template of an installed connector."""

    id: str = Field(description="The template's own id.")
    name: str
    version: int
    description: str
    file: str = Field(description="The name that its file has, with the ending.")
    plugin: str = Field(description="The connector's name in the settings.")
    job_type: str
    served: bool = Field(description="Whether this runtime serves the jobs that the template makes.")
    not_served_because: str


def connectors(view: RuntimeView) -> list[Connector]:
    """Every connector with its subscription."""
    by_type = {status.job_type: status for status in view.subscriptions()}
    return [
        Connector.of(registered, by_type.get(registered.type) if registered.enabled else None)
        for registered in view.connectors()
    ]
