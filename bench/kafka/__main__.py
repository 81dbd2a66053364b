"""Measures Kafka jobs end to end, through the gateway and by polling.

python -m bench.kafka              # 3 runs of 20,000 jobs on librdkafka's mock cluster, about a minute
python -m bench.kafka --jobs 4000 --runs 1
python -m bench.kafka --servers localhost:9092   # a broker of yours, where the topics parcels and per-job exist
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from bench.processes import Server, Worker
from bench.scenarios import SETUPS

_SETTINGS = {
    **SETUPS["polling"],
    "COUPLER_WORKER__MAX_JOBS_ACTIVE_TOTAL": "500",
    "COUPLER_ADMIN__PORT": "0",
    "COUPLER_LOG__LEVEL": "WARNING",
}


def main() -> int:
    """Prints the table."""
    arguments = _arguments()
    cluster = None if arguments.servers else Server("bench.kafka.cluster")
    servers = arguments.servers if cluster is None else cluster.ask("where")["servers"]
    try:
        runs = [_run(servers, arguments.jobs) for _ in range(arguments.runs)]
        alone = _per_job(servers)
    finally:
        if cluster is not None:
            cluster.stop()
    rate = statistics.median(run[0] for run in runs)
    cpu = statistics.median(run[1] for run in runs)
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, median of {arguments.runs}")
    print(f"| Kafka, polling, 500 slots | {rate:.0f} jobs/s | {cpu:.3f} CPU s per 1,000 jobs, end to end |")
    print(f"| pooled producer alone | | {alone['pooled']:.3f} CPU s per 1,000 records |")
    print(f"| a producer for each record | | {alone['alone']:.3f} CPU s per 1,000 records |")
    print(f"| factor | | {alone['alone'] / alone['pooled']:.0f} |")
    return 0


def _run(servers: str, jobs: int) -> tuple[float, float]:
    gateway = Server("bench.kafka.gateway", BENCH_KAFKA=servers)
    address = f"http://127.0.0.1:{gateway.port}"
    command = [str(Path(sys.executable).with_name("coupler")), "run"]
    worker = Worker(command, {**_SETTINGS, "COUPLER_GATEWAY__GRPC_ADDRESS": address})
    try:
        for warm_up in (1, 500):
            _load(gateway, worker, warm_up)
        before = worker.cpu_seconds()
        seconds = _load(gateway, worker, jobs)
        return jobs / seconds, (worker.cpu_seconds() - before) / jobs * 1000
    finally:
        worker.stop()
        gateway.stop()


def _load(gateway: Server, worker: Worker, jobs: int) -> float:
    result = gateway.ask("load", jobs=jobs, rate=0.0, limit_seconds=120.0, stream_only=False)
    if result["finished"] != jobs or result["failed"]:
        raise RuntimeError(
            f"{result['finished']} of {jobs} finished, {result['failed']} failed: {result['sample_error']}\n"
            f"{worker.log_tail()}"
        )
    assert set(json.loads(result["sample_variables"])) == {"partition", "offset"}
    return float(result["seconds"])


def _per_job(servers: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.kafka.per_job", servers, "320"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench.kafka", description="Measures Kafka jobs end to end.")
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--servers", help="a cluster in the place of the mock one")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
