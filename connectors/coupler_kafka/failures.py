"""How the connector says that a record was not sent: always the code ``FAIL``, always the same beginning."""

from __future__ import annotations

from typing import Final

from coupler.sdk import ConnectorError, RetryLater

CODE: Final = "FAIL"


class Refused(ConnectorError):
    """Another attempt would be refused too: the record is too large, the topic cannot exist."""


class Unanswered(ConnectorError):
    """The record may be in the topic all the same: a request with it was sent, and nobody said what became of it."""

    def __init__(self, message: str) -> None:
        super().__init__(
            f"{message}. A request with the record was sent and not answered: it may be in the topic",
            variables={"mayBeInTopic": True},
        )


class FinalFailure(RetryLater):
    """A failure without retries, which keeps the name and code that error expressions look for."""

    java_type = ConnectorError.java_type


def failure(cause: ConnectorError) -> ConnectorError:
    """The error of the job."""
    message = f"Error during Kafka Producer execution; error message: [{cause.message}]"
    if isinstance(cause, Refused):
        return FinalFailure(message, retries=0, code=CODE)
    return ConnectorError(message, code=CODE, variables=cause.variables)


__all__ = ["CODE", "FinalFailure", "Refused", "failure"]
