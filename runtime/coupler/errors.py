"""The error tree, with classes chosen by how the runtime recovers.

    CouplerError
    ├── ConfigError            the runtime cannot start; the message says which setting to change
    ├── InputError             the job's input is wrong: fail with 0 retries, an incident
    │   ├── HeaderError        a task header of the runtime cannot be read; the connector is not run
    │   └── EgressDenied       a rule forbids the address
    ├── ConnectorError         the integration failed: retries - 1, with the model's backoff
    │   └── RetryLater         the same, with retries or backoff chosen by the connector
    │       └── CircuitOpen    not even tried, since the destination has been failing: no retry is lost
    ├── BpmnError              the connector itself asks for a BPMN error
    ├── SecretsUnavailable     a provider cannot be reached: retries - 1, generic text
    ├── FeelError              an expression cannot be parsed or evaluated
    └── GatewayError           a command or call to the gateway failed

Every class has a ``java_type``: the class name that the Java runtime shows as ``error.type`` for the same situation.
Expressions that exist in process models test for it (docs/compatibility.md).

Two texts: ``str(error)`` is for the person who wrote the process model, in the words of the model; ``__cause__`` keeps
the technical reason for the log. Neither may hold a secret: what leaves the process is masked once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar


class CouplerError(Exception):
    """Root of all errors raised on purpose."""

    java_type: ClassVar[str] = "java.lang.RuntimeException"

    @property
    def message(self) -> str:
        """The text for the person who wrote the process model."""
        return str(self)


class ConfigError(CouplerError):
    """The runtime cannot start as configured."""


class InputError(CouplerError):
    """The job's input is wrong, and a retry would not mend it: 0 retries."""

    java_type = "io.camunda.connector.api.error.ConnectorInputException"


class HeaderError(InputError):
    """A task header of the runtime (``retryBackoff``, ``jobTimeout``) cannot be read; the connector is not run."""


class EgressDenied(InputError):
    """The egress policy forbids an address; the message names the rule."""


class ConnectorError(CouplerError):
    """The integration failed. The job keeps ``retries - 1``.

    ``code`` and ``variables`` are what an error expression sees as ``error.code`` and ``error.variables``.
    """

    java_type = "io.camunda.connector.api.error.ConnectorException"

    def __init__(self, message: str, *, code: str | None = None, variables: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.variables = variables


class RetryLater(ConnectorError):
    """Try again in ``after_seconds``, or with an absolute number of ``retries`` left (not decremented)."""

    java_type = "io.camunda.connector.api.error.ConnectorRetryException"

    def __init__(
        self,
        message: str,
        *,
        after_seconds: float | None = None,
        retries: int | None = None,
        code: str | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, code=code, variables=variables)
        self.after_seconds = after_seconds
        self.retries = retries


class CircuitOpen(RetryLater):
    """The call was not made: its destination has been failing. The job keeps all its retries and comes back later."""


class BpmnError(CouplerError):
    """The connector itself asks the engine to throw a BPMN error."""

    def __init__(self, code: str, message: str = "", *, variables: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.variables = variables or {}


class SecretsUnavailable(CouplerError):
    """A secret provider cannot be reached; another attempt may succeed."""


class FeelError(CouplerError):
    """An expression cannot be parsed or evaluated."""

    java_type = "io.camunda.connector.feel.FeelEngineWrapperException"


class GatewayStatus(Enum):
    """How a gateway call failed, the same for gRPC and REST."""

    NOT_FOUND = "not found"  # the job is gone: finished, cancelled, or its lease went to another worker
    BACKPRESSURE = "backpressure"  # RESOURCE_EXHAUSTED, 429: slow down, then try again
    UNAVAILABLE = "unavailable"  # connection trouble, deadline: try again
    UNIMPLEMENTED = "unimplemented"  # an old gateway does not know the call
    UNAUTHENTICATED = "unauthenticated"
    REJECTED = "rejected"  # the gateway refuses this call for good: invalid, too large, wrong state


class GatewayError(CouplerError):
    """A call to the gateway failed."""

    def __init__(self, status: GatewayStatus, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def retriable(self) -> bool:
        """Whether the same call may succeed later."""
        return self.status in (GatewayStatus.BACKPRESSURE, GatewayStatus.UNAVAILABLE)
