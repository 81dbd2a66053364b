from __future__ import annotations

import asyncio
import logging

import pytest
from prometheus_client import CollectorRegistry

from coupler.telemetry.metrics import JobMetrics
from coupler.telemetry.summary import Summary


def test_only_what_is_new_is_told(caplog: pytest.LogCaptureFixture) -> None:
    # Given jobs that ended before
    metrics = JobMetrics(CollectorRegistry())
    rest = metrics.for_type("rest", "REST")
    rest.finished("completed", 0.1)
    summary = Summary(metrics, lambda: 3)

    # When more end
    with caplog.at_level(logging.INFO):
        rest.finished("completed", 0.1)
        metrics.for_type("soap", "SOAP").finished("completed", 0.1)
        rest.finished("bpmn_error", 0.1)
        summary.tell(60)
        summary.tell(60)

    # Then one line counts them, and silence follows
    assert caplog.messages == ["3 jobs ended in 60 s: 1 bpmn error, 2 completed; 3 are held."]


async def test_it_runs_until_it_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    metrics = JobMetrics(CollectorRegistry())
    task = asyncio.create_task(Summary(metrics, lambda: 0).run(0.01))
    await asyncio.sleep(0)
    metrics.for_type("rest", "REST").finished("failed", 0.1)
    with caplog.at_level(logging.INFO):
        async with asyncio.timeout(20):
            while not caplog.messages:
                await asyncio.sleep(0.01)
    task.cancel()

    assert caplog.messages == ["1 jobs ended in 0.01 s: 1 failed; 0 are held."]
