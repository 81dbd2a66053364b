from __future__ import annotations

from coupler.worker.adaptive import AdaptiveConfig, AdaptiveLimit
from coupler.worker.limits import Slots

CONFIG = AdaptiveConfig(enabled=True, min_jobs_active=2, window_jobs=10)


def feed(limit: AdaptiveLimit, windows: int, seconds: float, failed: bool = False) -> None:
    for _ in range(windows * CONFIG.window_jobs):
        limit.finished(seconds, failed=failed)


def test_slots_shrink_while_the_target_is_slow_and_grow_back() -> None:
    slots = Slots(100)
    limit = AdaptiveLimit(slots, CONFIG)
    feed(limit, 5, 0.1)
    assert slots.limit == 100
    feed(limit, 3, 0.5)
    assert slots.limit == 34
    feed(limit, 200, 0.1)
    assert slots.limit == 100


def test_slots_shrink_while_jobs_fail_and_never_below_the_minimum() -> None:
    slots = Slots(10)
    limit = AdaptiveLimit(slots, CONFIG)
    feed(limit, 50, 0.001, failed=True)
    assert slots.limit == 2


def test_fast_failures_do_not_become_the_usual_latency() -> None:
    slots = Slots(10)
    limit = AdaptiveLimit(slots, CONFIG)
    feed(limit, 3, 0.1)
    feed(limit, 30, 0.0001, failed=True)
    assert limit.usual_seconds is not None
    assert abs(limit.usual_seconds - 0.1) < 1e-9


async def test_a_smaller_limit_takes_effect_as_slots_come_back() -> None:
    slots = Slots(4)
    slots.reserve(4)
    slots.resize(2)
    assert slots.free == 0
    slots.release(2)
    assert slots.free == 0
    slots.release()
    assert slots.free == 1
    slots.resize(4)
    assert slots.free == 3
