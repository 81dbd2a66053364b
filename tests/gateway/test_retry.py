"""Commands are retried until the lease ends, and no longer."""

from __future__ import annotations

import random
import time

import pytest

from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.retry import Backoff, retry_command


class Command:
    """Fails with the given statuses in turn, then succeeds."""

    def __init__(self, *statuses: GatewayStatus) -> None:
        self.left = list(statuses)
        self.attempts = 0

    async def __call__(self) -> None:
        self.attempts += 1
        if self.left:
            raise GatewayError(self.left.pop(0), "no")


def quick() -> Backoff:
    return Backoff(0.001, 0.002)


def soon(seconds: float = 30) -> float:
    return time.monotonic() + seconds


async def test_backpressure_and_connection_trouble_are_retried_for_as_long_as_the_lease_lasts() -> None:
    command = Command(*[GatewayStatus.UNAVAILABLE, GatewayStatus.BACKPRESSURE] * 5)
    assert await retry_command(command, soon(), backoff=quick())
    assert command.attempts == 11


@pytest.mark.parametrize(
    "status",
    [GatewayStatus.NOT_FOUND, GatewayStatus.REJECTED, GatewayStatus.UNIMPLEMENTED, GatewayStatus.UNAUTHENTICATED],
)
async def test_what_will_not_change_is_not_retried(status: GatewayStatus) -> None:
    command = Command(status)
    with pytest.raises(GatewayError) as caught:
        await retry_command(command, soon(), backoff=quick())
    assert (caught.value.status, command.attempts) == (status, 1)


async def test_no_attempt_starts_after_the_lease() -> None:
    command = Command(GatewayStatus.UNAVAILABLE)
    with pytest.raises(GatewayError):
        await retry_command(command, soon(0.01), backoff=Backoff(0.05))
    assert command.attempts == 1


async def test_not_found_after_a_lost_answer_counts_as_delivered() -> None:
    assert (
        await retry_command(Command(GatewayStatus.UNAVAILABLE, GatewayStatus.NOT_FOUND), soon(), backoff=quick())
        is False
    )


async def test_not_found_after_backpressure_is_an_error_since_nothing_was_applied() -> None:
    command = Command(GatewayStatus.BACKPRESSURE, GatewayStatus.NOT_FOUND)
    with pytest.raises(GatewayError):
        await retry_command(command, soon(), backoff=quick())


async def test_a_command_that_may_not_be_repeated_is_given_up() -> None:
    command = Command(GatewayStatus.UNAVAILABLE, GatewayStatus.UNAVAILABLE)
    with pytest.raises(GatewayError):
        await retry_command(command, soon(), backoff=quick(), may_repeat=lambda: command.attempts < 2)
    assert command.attempts == 2


def test_backoff_grows_with_jitter_to_its_maximum_and_starts_over() -> None:
    backoff = Backoff(0.05, 5.0, source=random.Random(1))
    delays = [backoff.next() for _ in range(20)]
    for delay, expected in zip(delays[:3], (0.05, 0.08, 0.128), strict=True):
        assert delay == pytest.approx(expected, rel=0.1)
    assert delays[-1] == pytest.approx(5.0, rel=0.1)
    assert len(set(delays)) == 20
    backoff.reset()
    assert backoff.next() == pytest.approx(0.05, rel=0.1)
