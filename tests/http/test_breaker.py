"""Circuit breakers, alone and in front of a real server."""

from __future__ import annotations

import asyncio

import pytest

from coupler.errors import CircuitOpen
from coupler.http.breaker import CircuitBreaker
from coupler.http.config import BreakerConfig, HttpConfig
from coupler.http.engine import Engine
from coupler.http.messages import HttpRequest, TransportFault

ORIGIN = ("http", "target", 80)
CONFIG = BreakerConfig(enabled=True, window_calls=4, failure_ratio=0.5, open_seconds=30.0)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> CircuitBreaker:
    breaker = CircuitBreaker(CONFIG, clock)
    for _ in range(4):
        breaker.check(ORIGIN)
        breaker.answered(ORIGIN, 503)
    return breaker


def test_it_opens_when_more_than_the_ratio_of_a_window_failed() -> None:
    breaker = CircuitBreaker(CONFIG, Clock())
    for status in (200, 503, 200, 503, 200, 404, 404, 404):  # half of a window is not more than half; 4xx is an answer
        breaker.check(ORIGIN)
        breaker.answered(ORIGIN, status)
    breaker.check(ORIGIN)


def test_an_open_circuit_says_when_to_come_back_and_spares_other_origins() -> None:
    breaker = opened(Clock())
    with pytest.raises(CircuitOpen) as caught:
        breaker.check(ORIGIN)
    assert caught.value.after_seconds == 30.0
    assert "http://target:80" in caught.value.message
    breaker.check(("http", "other", 80))


def test_one_trial_at_a_time_decides_whether_it_closes() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 31
    breaker.check(ORIGIN)  # the trial
    with pytest.raises(CircuitOpen):
        breaker.check(ORIGIN)
    breaker.faulted(ORIGIN, TransportFault.TIMEOUT)
    with pytest.raises(CircuitOpen):
        breaker.check(ORIGIN)
    clock.now += 31
    breaker.check(ORIGIN)
    breaker.answered(ORIGIN, 200)
    breaker.check(ORIGIN)
    breaker.check(ORIGIN)


def test_a_trial_that_is_cancelled_makes_room_for_the_next() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 31
    breaker.check(ORIGIN)
    breaker.dropped(ORIGIN)
    breaker.check(ORIGIN)


@pytest.mark.parametrize("fault", [TransportFault.TLS, TransportFault.INVALID_URL, TransportFault.BODY_TOO_LARGE])
def test_faults_on_our_side_do_not_count(fault: TransportFault) -> None:
    breaker = CircuitBreaker(CONFIG, Clock())
    for _ in range(20):
        breaker.check(ORIGIN)
        breaker.faulted(ORIGIN, fault)


async def test_a_failing_server_is_left_alone() -> None:
    calls = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    engine = Engine(HttpConfig(breaker=CONFIG))
    try:
        for _ in range(4):
            assert (await engine.send(HttpRequest("GET", url))).status == 503
        with pytest.raises(CircuitOpen):
            await engine.send(HttpRequest("GET", url))
        assert calls == 4
    finally:
        await engine.close()
        server.close()
