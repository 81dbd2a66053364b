"""A circuit breaker per origin: a destination that keeps failing is left alone for a while.

    closed ──too many failures──▶ open ──open_seconds──▶ half open ──one good call──▶ closed
                                   ▲                        │
                                   └─────────bad call───────┘

While it is open, calls end at once with ``CircuitOpen``: the job goes back with all its retries and a backoff.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from coupler.errors import CircuitOpen
from coupler.http.config import BreakerConfig
from coupler.http.messages import TransportFault

Origin = tuple[str, str, int]

_FAULTS = frozenset({TransportFault.TIMEOUT, TransportFault.CONNECT, TransportFault.DISCONNECTED})
_MAX_ORIGINS = 1000


@dataclass(slots=True)
class _Circuit:
    calls: int = 0
    failures: int = 0
    open_until: float | None = None
    trial_under_way: bool = False


class CircuitBreaker:
    """The circuits of all origins; the least recently used are forgotten. O(1) per call."""

    def __init__(self, config: BreakerConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._clock = clock
        self._circuits: OrderedDict[Origin, _Circuit] = OrderedDict()

    def check(self, origin: Origin) -> None:
        """Called before a call.

        Raises:
            CircuitOpen: the origin is left alone for now.
        """
        circuit = self._circuits.get(origin)
        if circuit is None or circuit.open_until is None:
            return
        left = circuit.open_until - self._clock()
        if left <= 0 and not circuit.trial_under_way:
            circuit.trial_under_way = True
            return
        raise CircuitOpen(
            f"The call was not made: {origin[0]}://{origin[1]}:{origin[2]} has been failing. It is tried again later.",
            after_seconds=max(left, 1.0),
            code="CIRCUIT_OPEN",
        )

    def answered(self, origin: Origin, status: int) -> None:
        """A response came: 5xx is a failure of the destination, everything else shows that it is alive."""
        self._note(origin, failed=status >= 500)

    def faulted(self, origin: Origin, fault: TransportFault) -> None:
        """No response came. Faults on our side of the wire do not count."""
        if fault in _FAULTS:
            self._note(origin, failed=True)
        else:
            self.dropped(origin)

    def dropped(self, origin: Origin) -> None:
        """The call was given up before anything was learnt of the destination."""
        circuit = self._circuits.get(origin)
        if circuit is not None:
            circuit.trial_under_way = False

    def _note(self, origin: Origin, *, failed: bool) -> None:
        circuit = self._circuit(origin)
        if circuit.open_until is not None:
            self._end_trial(circuit, failed=failed)
            return
        circuit.calls += 1
        circuit.failures += failed
        if circuit.calls < self._config.window_calls:
            return
        if circuit.failures / circuit.calls > self._config.failure_ratio:
            circuit.open_until = self._clock() + self._config.open_seconds
        circuit.calls = circuit.failures = 0

    def _end_trial(self, circuit: _Circuit, *, failed: bool) -> None:
        if not circuit.trial_under_way:
            return  # an answer to a call from before it opened
        circuit.trial_under_way = False
        circuit.open_until = self._clock() + self._config.open_seconds if failed else None

    def _circuit(self, origin: Origin) -> _Circuit:
        circuit = self._circuits.get(origin)
        if circuit is None:
            circuit = self._circuits[origin] = _Circuit()
            if len(self._circuits) > _MAX_ORIGINS:
                self._circuits.popitem(last=False)
        else:
            self._circuits.move_to_end(origin)
        return circuit
