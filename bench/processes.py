"""The processes of a benchmark: servers steered over pipes, and the worker with its CPU and memory (Linux only)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A server of the benchmark, see ``bench/control.py``."""

    def __init__(self, module: str, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        self.port: int = self._read()["port"]

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Sends one request and waits for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def stop(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a server of the benchmark has ended: exit {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


class Worker:
    """The process that is measured. It runs in an empty folder, with no setting but those given."""

    def __init__(self, command: list[str], settings: dict[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="coupler-bench-")
        self.log = Path(self._folder.name, "worker.log")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("COUPLER_", "CAMUNDA_"))}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder.name, env={**kept, **settings}, stdout=log, stderr=log
            )

    def cpu_seconds(self) -> float:
        """CPU used so far, user and system, by the process and its children."""
        return sum(_cpu_seconds(pid) for pid in _family(self._process.pid))

    def rss_mib(self) -> float:
        """Resident memory now."""
        return sum(_status_mib(pid, "VmRSS") for pid in _family(self._process.pid))

    def peak_rss_mib(self) -> float:
        """Largest resident memory so far."""
        return sum(_status_mib(pid, "VmHWM") for pid in _family(self._process.pid))

    def running(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def log_tail(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-3000:]

    def stop(self) -> int:
        """Asks it to drain, kills it after 30 s; returns the exit code."""
        if self.running():
            self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._folder.cleanup()
        return code


def _family(root: int) -> list[int]:
    """The process and its descendants."""
    found = [root]
    for pid in found:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                found += [int(child) for child in children.read_text().split()]
            except OSError:
                continue
    return found


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _status_mib(pid: int, name: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:")), 0.0)
