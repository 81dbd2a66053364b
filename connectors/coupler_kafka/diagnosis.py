"""What really happened, in words: from the exceptions of aiokafka and of its connections. Imports aiokafka."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from typing import Final

from aiokafka import errors  # type: ignore[import-untyped]

from coupler.sdk import ConnectorError
from coupler_kafka.doubt import in_doubt
from coupler_kafka.failures import Refused, Unanswered

_AUTHENTICATION: Final = (
    errors.SaslAuthenticationFailed,
    errors.AuthenticationFailedError,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
)
_FATAL: Final = (
    errors.ProducerFenced,
    errors.OutOfOrderSequenceNumber,
    errors.UnknownProducerId,
    errors.InvalidProducerIdMapping,
    errors.ProducerClosed,
    errors.ClusterAuthorizationFailedError,
)
_UNREACHABLE: Final = (
    errors.NodeNotReadyError,
    errors.KafkaConnectionError,
    errors.NoBrokersAvailable,
    errors.RequestTimedOutError,
    errors.KafkaTimeoutError,
    errors.StaleMetadata,
)
_IN_WORDS: Final = {
    errors.TopicAuthorizationFailedError: "Not authorized to write to topic {topic}",
    errors.UnknownTopicOrPartitionError: "Topic {topic} not present in metadata: no broker knows it",
    errors.NotEnoughReplicasError: "Too few replicas of topic {topic} are in sync for acks=all",
    errors.NotEnoughReplicasAfterAppendError: "Too few replicas of topic {topic} are in sync for acks=all",
}


def is_authentication(error: BaseException | None) -> bool:
    """Whether the brokers do not accept who we are."""
    return isinstance(error, _AUTHENTICATION)


def spoils_producer(error: BaseException) -> bool:
    """Whether the producer can or should not be used again.

    One that cannot reach its brokers may hold addresses of a cluster that has moved; aiokafka does not go back to the
    bootstrap servers, a new producer does.
    """
    bare = type(error) is errors.KafkaError  # what is left of an unexpected error that ended the sending task
    return bare or isinstance(error, (TimeoutError, *_FATAL, *_UNREACHABLE, *_AUTHENTICATION))


def connection_trouble(troubles: Sequence[BaseException]) -> str:
    """Why no connection could be used: of several reasons the one that a person has to mend."""
    trouble = min(troubles, key=_rank, default=None)
    match trouble:
        case None:
            return "no broker answered"
        case _ if is_authentication(trouble):
            return f"authentication failed: {_said(trouble) or 'the broker refuses these credentials'}"
        case ssl.SSLCertVerificationError():
            return f"TLS failed: the broker's certificate is not trusted: {trouble.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {trouble.reason or trouble}"
        case TimeoutError():
            return "unreachable: no answer in time"
        case OSError() if not isinstance(trouble, ConnectionResetError):
            return f"unreachable: {_network_trouble(trouble)}"
        case _:
            said = _said(trouble) or type(trouble).__name__
            return (
                f"{said}: the broker ended the connection. If it always does, security.protocol does not fit the"
                " listener, or a client certificate is missing"
            )


def _network_trouble(trouble: OSError) -> str:
    match trouble:
        case socket.gaierror():
            return f"the host name cannot be resolved: {trouble.strerror}"
        case ConnectionRefusedError():
            return "connection refused"
        case _:
            return trouble.strerror or type(trouble).__name__


def _rank(trouble: BaseException) -> int:
    if is_authentication(trouble):
        return 0
    if isinstance(trouble, ssl.SSLError):
        return 1
    return 2 if isinstance(trouble, OSError) else 3


def explained(error: BaseException, topic: str, troubles: Sequence[BaseException]) -> ConnectorError:
    """The failure of a send. ``Unanswered`` when the record may be in the topic all the same.

    Args:
        error: what aiokafka raised.
        topic: where the record was to go.
        troubles: what its connections ran into meanwhile, the latest first.
    """
    failure = _explained(error, topic, troubles)
    return Unanswered(failure.message) if in_doubt(error) else failure


def _explained(error: BaseException, topic: str, troubles: Sequence[BaseException]) -> ConnectorError:
    match error:
        case ConnectorError():
            return error
        case errors.MessageSizeTooLargeError() | errors.RecordTooLargeError():
            return Refused(_said(error) or "The record is larger than the topic accepts (max.message.bytes)")
        case errors.InvalidTopicError():
            return Refused(f"The brokers refuse the topic name {topic}")
        case TimeoutError():
            return ConnectorError(
                f"Topic {topic} not present in metadata after max.block.ms: {connection_trouble(troubles)}"
            )
        case _ if type(error) in _IN_WORDS:
            return ConnectorError(_IN_WORDS[type(error)].format(topic=topic))
        case _ if is_authentication(error):
            return ConnectorError(connection_trouble([error]))
        case _ if isinstance(error, _UNREACHABLE):
            return ConnectorError(
                f"The record was not acknowledged within delivery.timeout.ms: {connection_trouble(troubles or [error])}"
            )
        case _:
            said = _said(error)
            return ConnectorError(said if type(error) is errors.KafkaError else f"{type(error).__name__}: {said}")


def _said(error: BaseException) -> str:
    """An exception's own words, without the class and number that aiokafka puts before them."""
    return str(error.args[0]) if error.args and isinstance(error.args[0], str) else ""


__all__ = ["connection_trouble", "explained", "is_authentication", "spoils_producer"]
