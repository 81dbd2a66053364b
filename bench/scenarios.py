"""What is measured, and how the worker is set up for it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from bench.payload import EXPECTED
from bench.processes import Server, Worker


@dataclass(slots=True, frozen=True)
class Size:
    """How much is run."""

    quick_jobs: int = 20_000  # at 0 ms
    slow_jobs: int = 10_000  # at 100 ms
    burst_jobs: int = 500
    bursts: int = 5
    rate_seconds: int = 20
    idle_seconds: int = 10


@dataclass(slots=True, frozen=True)
class Figure:
    """One measured figure. ``void`` says why it does not count."""

    name: str
    value: float
    unit: str
    void: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For the results file."""
        return asdict(self)


SETUPS = {
    "default": {"COUPLER_WORKER__MAX_JOBS_ACTIVE": "500"},
    "polling": {"COUPLER_WORKER__MAX_JOBS_ACTIVE": "500", "COUPLER_WORKER__STREAM_ENABLED": "false"},
    "streaming": {
        "COUPLER_WORKER__MAX_JOBS_ACTIVE": "500",
        "COUPLER_WORKER__POLL_ENABLED": "false",
    },
}

_COMMON = {
    "COUPLER_WORKER__MAX_JOBS_ACTIVE_TOTAL": "500",
    "COUPLER_ADMIN__PORT": "0",
    "COUPLER_LOG__LEVEL": "WARNING",
}


class Rig:
    """A gateway, a target and a worker in one of the setups."""

    def __init__(self, command: list[str], setup: str) -> None:
        self.setup = setup
        self.target = Server("bench.target")
        self.gateway = Server("bench.gateway", BENCH_TARGET=f"http://127.0.0.1:{self.target.port}")
        address = f"http://127.0.0.1:{self.gateway.port}"
        self.started_at = time.monotonic()
        self.worker = Worker(command, {**_COMMON, **SETUPS[setup], "COUPLER_GATEWAY__GRPC_ADDRESS": address})

    def close(self) -> int:
        """Ends all three; returns the worker's exit code."""
        code = self.worker.stop()
        self.gateway.stop()
        self.target.stop()
        return code

    def first_job(self) -> float:
        """Waits for the first job; returns the seconds since the worker was started."""
        if self.setup == "streaming":
            self._until_streaming()  # a job that is older than the stream is not pushed
        result = self.load(1, limit_seconds=30)
        return float(result["first_finished_at"]) - self.started_at

    def load(self, jobs: int, *, rate: float = 0.0, limit_seconds: float = 300.0) -> dict[str, Any]:
        """Runs a batch and checks that every job was completed with the right variables."""
        alone = self.setup == "streaming"
        result = self.gateway.ask("load", jobs=jobs, rate=rate, limit_seconds=limit_seconds, stream_only=alone)
        if result["finished"] != jobs or result["failed"]:
            raise RuntimeError(
                f"{result['finished']} of {jobs} jobs were finished, {result['failed']} of them failed: "
                f"{result['sample_error']}\n{self.worker.log_tail()}"
            )
        if json.loads(result["sample_variables"]) != EXPECTED:
            raise RuntimeError(f"the worker completed a job with {result['sample_variables']}")
        return result

    def _until_streaming(self) -> None:
        give_up_at = time.monotonic() + 30
        while not self.gateway.ask("state")["streams"]:
            if time.monotonic() > give_up_at or not self.worker.running():
                raise RuntimeError(f"the worker opened no stream\n{self.worker.log_tail()}")
            time.sleep(0.05)

    def timed(self, jobs: int, delay_seconds: float) -> tuple[float, float, str]:
        """Jobs a second, the worker's CPU seconds per 1,000 jobs, and what makes the rate void."""
        before = self.target.ask("delay", seconds=delay_seconds)["cpu_seconds"]
        before += self.gateway.ask("state")["cpu_seconds"]
        worker_before = self.worker.cpu_seconds()
        result = self.load(jobs)
        worker_cpu = self.worker.cpu_seconds() - worker_before
        servers_cpu = self.target.ask("stats")["cpu_seconds"] + result["cpu_seconds"] - before
        cores = servers_cpu / result["seconds"]
        void = f"gateway and target took {cores:.2f} cores" if cores > 0.5 else ""
        return jobs / result["seconds"], worker_cpu / jobs * 1000, void


def quiet(rig: Rig, size: Size) -> Iterator[Figure]:
    """Start, idle, latency, bursts: the worker as it comes, with 500 slots."""
    yield Figure("start to first completed job", rig.first_job(), "s")
    time.sleep(2)
    cpu = rig.worker.cpu_seconds()
    time.sleep(size.idle_seconds)
    yield Figure("idle CPU", (rig.worker.cpu_seconds() - cpu) / size.idle_seconds * 100, "%")
    yield Figure("RSS idle", rig.worker.rss_mib(), "MiB")
    result = rig.load(50 * size.rate_seconds, rate=50.0)
    yield Figure("latency p50 at 50 jobs/s", result["p50_seconds"] * 1000, "ms")
    yield Figure("latency p99 at 50 jobs/s", result["p99_seconds"] * 1000, "ms")
    bursts = [rig.timed(size.burst_jobs, 0.1) for _ in range(size.bursts)]
    rate, _, void = sorted(bursts)[len(bursts) // 2]
    yield Figure("500 jobs at 100 ms", rate, "jobs/s", void)
    yield Figure("RSS peak", rig.worker.peak_rss_mib(), "MiB")


def busy(rig: Rig, size: Size) -> Iterator[Figure]:
    """Many jobs at once, without a delay and with 100 ms."""
    rig.first_job()
    rig.timed(size.burst_jobs, 0.0)  # warm-up
    for jobs, delay in ((size.quick_jobs, 0.0), (size.slow_jobs, 0.1)):
        rate, cpu, void = rig.timed(jobs, delay)
        yield Figure(f"{rig.setup}, {delay * 1000:.0f} ms", rate, "jobs/s", void)
        yield Figure(f"{rig.setup}, {delay * 1000:.0f} ms, CPU per 1,000 jobs", cpu, "s")


SCENARIOS = {"default": quiet, "polling": busy, "streaming": busy}
