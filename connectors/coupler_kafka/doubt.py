"""Whether a record that failed may be in the topic all the same. Imports aiokafka.

A request that was sent and never answered may have been carried out: the broker died after it wrote, or wakes up later
and writes then. No client can take such a request back or know its end. What can be known is which records were in
one, and only those are in doubt; every other record that fails is not in the topic and does not turn up later.

aiokafka forgets the difference when it gives a batch up. Its batches remember it here.
"""

from __future__ import annotations

import copy
from typing import Any, Final

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import NodeNotReadyError  # type: ignore[import-untyped]
from aiokafka.producer.message_accumulator import (  # type: ignore[import-untyped]
    MessageAccumulator,
    MessageBatch,
)
from aiokafka.producer.sender import Sender, SendProduceReqHandler  # type: ignore[import-untyped]

_PERHAPS_WRITTEN: Final = frozenset(
    {
        -1,  # UNKNOWN_SERVER_ERROR: anything
        7,  # REQUEST_TIMED_OUT: the leader has it, the other replicas did not confirm it in time
        13,  # NETWORK_EXCEPTION
        20,  # NOT_ENOUGH_REPLICAS_AFTER_APPEND
        56,  # KAFKA_STORAGE_ERROR: the write broke off
    }
)
"""Codes of an answer that leave open whether the batch was written (Kafka's protocol guide, "Error codes")."""

_NOT_WRITTEN_OFFSET: Final = -1
"""The base offset beside an error that came before the write. One that came after it, say because the leader changed
while the replicas were waited for, stands beside the offset of the records."""


class RememberingBatch(MessageBatch):  # type: ignore[misc]
    """A batch that knows whether a request with it may have been carried out."""

    unanswered = False  # an earlier request
    under_way = False  # the present one

    def failure(self, exception: BaseException) -> None:
        """Fails its records; who waits for room in this batch has none in it, and no doubt either."""
        if not self._drain_waiter.done():
            self._drain_waiter.set_exception(exception)
        if self.unanswered or self.under_way:
            exception = doubtful(exception)
        super().failure(exception)


class RememberingAccumulator(MessageAccumulator):  # type: ignore[misc]
    """Makes such batches."""

    def _append_batch(self, builder: Any, tp: Any) -> Any:
        batch = super()._append_batch(builder, tp)
        batch.__class__ = RememberingBatch
        return batch


class _Request(SendProduceReqHandler):  # type: ignore[misc]
    """One request with one batch for each partition."""

    def __init__(self, sender: Any, batches: Any) -> None:
        super().__init__(sender, batches)
        self._perhaps_written: set[tuple[str, int]] | None = None  # None: there is no answer

    async def do(self, node_id: int) -> None:
        """Sends it and deals with the answer. aiokafka judges every batch that failed by ``_can_retry``, once."""
        for batch in self._batches.values():
            batch.under_way = True
        await super().do(node_id)

    def handle_response(self, response: Any) -> None:
        """Notes what the answer leaves open, then lets aiokafka go on."""
        self._perhaps_written = {
            (topic, answer[0])
            for topic, answers in response.topics
            for answer in answers
            if answer[1] in _PERHAPS_WRITTEN or answer[2] != _NOT_WRITTEN_OFFSET
        }
        super().handle_response(response)

    def _can_retry(self, error: BaseException, batch: Any) -> bool:
        batch.under_way = False
        if self._perhaps_written is None:
            # Without a connection nothing was sent; every other error comes after the request was written to one.
            batch.unanswered |= not isinstance(error, NodeNotReadyError)
        else:
            batch.unanswered |= (batch.tp.topic, batch.tp.partition) in self._perhaps_written
        return bool(super()._can_retry(error, batch))


class RememberingSender(Sender):  # type: ignore[misc]
    """Sends such requests."""

    async def _send_produce_req(self, node_id: int, batches: Any) -> None:
        await _Request(self, batches).do(node_id)
        self._in_flight.remove(node_id)
        self._muted_partitions.difference_update(batches)


def remember_doubts(client: AIOKafkaProducer) -> None:
    """Makes a producer's failures tell doubts. Before its start; it makes its two halves itself, by their class."""
    client._message_accumulator.__class__ = RememberingAccumulator
    client._sender.__class__ = RememberingSender


def doubtful(error: BaseException) -> BaseException:
    """The same error, marked: the record may be in the topic. A copy, since batches fail by a common one."""
    marked = copy.copy(error)
    marked.in_doubt = True  # type: ignore[attr-defined]
    return marked


def in_doubt(error: BaseException) -> bool:
    """Whether the record that failed by this error may be in the topic."""
    return getattr(error, "in_doubt", False)


__all__ = ["doubtful", "in_doubt", "remember_doubts"]
