"""Which failures leave open whether the record is in the topic."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import (  # type: ignore[import-untyped]
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    RequestTimedOutError,
)
from aiokafka.structs import TopicPartition  # type: ignore[import-untyped]

from coupler_kafka.diagnosis import explained
from coupler_kafka.doubt import RememberingAccumulator, _Request, doubtful, in_doubt

PLACE = TopicPartition("t", 0)


class Client:
    """Fails every request by one error, or answers it."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome

    async def send(self, node_id: int, request: Any) -> Any:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome

    async def _maybe_wait_metadata(self) -> None: ...

    def force_metadata_update(self) -> None: ...


def answer(code: int, offset: int) -> Any:
    return SimpleNamespace(API_VERSION=7, topics=[("t", [(0, code, offset, -1, 0)])])


def accumulator(ttl_seconds: float) -> RememberingAccumulator:
    return RememberingAccumulator(None, 1000, 0, ttl_seconds)


async def failed_by(outcomes: list[Any]) -> BaseException:
    """One record, one request for each outcome, the last of them after the end of its life; the failure."""
    waiting = accumulator(60)
    future = await waiting.add_message(PLACE, b"k", b"v", 1.0)
    for last, outcome in zip([*[False] * (len(outcomes) - 1), True], outcomes, strict=True):
        batch = waiting._pop_batch(PLACE)
        if last:
            batch._ttl = -1
        sender = SimpleNamespace(
            client=Client(outcome),
            _acks=-1,
            _txn_manager=None,
            _request_timeout_ms=1000,
            _message_accumulator=waiting,
            _retry_backoff=0.0,
        )
        await _Request(sender, {PLACE: batch}).do(0)
    error = future.exception()
    assert isinstance(error, BaseException)
    return error


NO_ANSWER = [KafkaConnectionError("closed"), RequestTimedOutError()]
PERHAPS = [*NO_ANSWER, answer(-1, -1), answer(7, -1), answer(20, -1), answer(56, -1), answer(6, 4711)]
NOT_WRITTEN = [NodeNotReadyError("no"), answer(6, -1), answer(19, -1), answer(10, -1), answer(87, -1), answer(29, -1)]


@pytest.mark.parametrize("outcome", PERHAPS, ids=repr)
async def test_in_doubt(outcome: Any) -> None:
    assert in_doubt(await failed_by([outcome]))


@pytest.mark.parametrize("outcome", NOT_WRITTEN, ids=repr)
async def test_not_in_the_topic(outcome: Any) -> None:
    assert not in_doubt(await failed_by([outcome]))


async def test_a_doubt_outlives_later_attempts() -> None:
    assert in_doubt(await failed_by([KafkaConnectionError("closed"), NodeNotReadyError("no"), answer(6, -1)]))
    assert not in_doubt(await failed_by([NodeNotReadyError("no"), answer(6, -1), NodeNotReadyError("no")]))


async def test_a_request_that_is_under_way_at_the_end_is_in_doubt_and_what_waits_is_not() -> None:
    waiting = accumulator(60)
    sent = await waiting.add_message(PLACE, b"k", b"v", 1.0)
    waiting._pop_batch(PLACE).under_way = True
    queued = await waiting.add_message(PLACE, b"k", b"v", 1.0)
    (behind,) = waiting._batches[PLACE]
    waiting.fail_all(KafkaError("the end"))
    assert in_doubt(sent.exception())
    assert not in_doubt(queued.exception())
    assert not in_doubt(behind._drain_waiter.exception())


def test_the_failure_says_so() -> None:
    plain = explained(RequestTimedOutError(), "t", [])
    doubted = explained(doubtful(RequestTimedOutError()), "t", [])
    assert plain.variables is None
    assert "may be" not in plain.message
    assert doubted.variables == {"mayBeInTopic": True}
    assert (
        doubted.message
        == f"{plain.message}. A request with the record was sent and not answered: it may be in the topic"
    )
