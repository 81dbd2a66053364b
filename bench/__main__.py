"""Measures the worker and prints the table of docs/performance.md.

python -m bench                        # everything, median of 3 runs (about 5 minutes)
python -m bench --runs 1 --short       # a look
python -m bench --only polling         # one setup: default, polling, streaming
python -m bench --worker 'coupler run' # another command; the gateway's address is in COUPLER_GATEWAY__GRPC_ADDRESS
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shlex
import sys
import time
from pathlib import Path

from bench.scenarios import SCENARIOS, Figure, Rig, Size
from bench.table import medians, table

RESULTS = Path(__file__).parent / "results"
SHORT = Size(quick_jobs=4000, slow_jobs=2000, bursts=3, rate_seconds=5, idle_seconds=4)


def main() -> int:
    """Runs every setup as often as asked, one line of JSON a figure, then the table."""
    arguments = _arguments()
    command = shlex.split(arguments.worker or f"{Path(sys.executable).with_name('coupler')} run")
    size = SHORT if arguments.short else Size()
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / time.strftime("%Y-%m-%dT%H-%M-%S.jsonl")
    figures: list[Figure] = []
    started_at, others = time.monotonic(), _others_cpu_seconds()
    with path.open("w") as results:
        for run in range(1, arguments.runs + 1):
            for setup in arguments.only or SCENARIOS:
                for figure in _measure(command, setup, size):
                    figures.append(figure)
                    results.write(json.dumps({"run": run, "setup": setup, **figure.as_dict()}) + "\n")
                    print(f"run {run}: {figure.name} = {figure.value:.3f} {figure.unit} {figure.void}", flush=True)
    others = (_others_cpu_seconds() - others) / (time.monotonic() - started_at)
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} cores, {arguments.runs} runs; each run in {path}")
    print(f"Other programs took {others:.2f} cores meanwhile{': measure again when it is quiet' * (others > 0.2)}.\n")
    print(table(medians(figures)))
    return 0


def _measure(command: list[str], setup: str, size: Size) -> list[Figure]:
    rig = Rig(command, setup)
    try:
        figures = list(SCENARIOS[setup](rig, size))
    except BaseException:
        rig.close()
        raise
    code = rig.close()
    if code != 0:
        raise RuntimeError(f"the worker did not end cleanly but with exit code {code}")
    return figures


def _others_cpu_seconds() -> float:
    """CPU seconds of everything on this machine that is not the benchmark, since some time in the past."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    busy = (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")  # all but idle and waiting for disks
    own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return busy - own


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench", description="Measures the worker.")
    parser.add_argument("--runs", type=int, default=3, help="how often; the table shows medians")
    parser.add_argument("--only", action="append", choices=sorted(SCENARIOS), help="one setup, may be repeated")
    parser.add_argument("--short", action="store_true", help="fewer jobs")
    parser.add_argument("--worker", help="the command to measure")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
