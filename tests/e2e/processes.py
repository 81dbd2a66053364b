"""Real processes under test: started, asked until they are ready, ended by their own handle."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

import httpx

from tests.ports import free_port

PATIENCE_SECONDS = 60.0


T = TypeVar("T")

alive: list[Process] = []
"""Every process that a test has started and not yet left; a failing test prints their logs."""


def until(condition: Callable[[], T | None], what: str, *, patience_seconds: float = PATIENCE_SECONDS) -> T:
    """Asks until the answer is true, and returns it.

    Raises:
        AssertionError: patience is over; the message says what did not happen.
    """
    end = time.monotonic() + patience_seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"{what}: not within {patience_seconds:g} s"
        time.sleep(0.05)


class Process:
    """One ``coupler …`` process, with its output in a file. Leaving the context ends it."""

    def __init__(
        self, name: str, arguments: Sequence[str], *, directory: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.arguments = [str(Path(sys.executable).parent / "coupler"), *arguments]
        self.env = _clean_environment() | dict(env or {})
        self.directory = directory
        self.log_file = directory / f"{name}.log"
        self._waits = True
        self._popen: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        alive.append(self)
        self.start()
        try:
            if self._waits:
                self.wait_until_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        self.kill()
        if kind is None and self in alive:
            alive.remove(self)

    def start(self) -> None:
        """Starts it (again); the log goes on."""
        assert self._popen is None
        with self.log_file.open("ab") as log:
            self._popen = subprocess.Popen(
                self.arguments, cwd=self.directory, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def wait_until_ready(self) -> None:
        """Waits until it serves; what that means is the kind's own matter."""

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._popen is not None
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._popen is not None and self._popen.poll() is None

    def log(self) -> str:
        """Everything it has written so far."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def wait_for_line(self, pattern: str) -> re.Match[str]:
        """Waits for a line of the log."""

        def found() -> re.Match[str] | None:
            match = re.search(pattern, self.log())
            assert match or self.running, f"{self.name} ended while waiting for {pattern!r}:\n{self.log()}"
            return match

        return until(found, f"{self.name} to write {pattern!r}")

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal."""
        assert self._popen is not None
        self._popen.send_signal(number)

    def wait(self, patience_seconds: float = PATIENCE_SECONDS) -> int:
        """Waits for its end and returns the exit code."""
        assert self._popen is not None
        code = self._popen.wait(patience_seconds)
        self._popen = None
        return code

    def terminate(self) -> int:
        """SIGTERM; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """SIGKILL, at once. Nothing happens when it has ended."""
        if self._popen is not None:
            self._popen.kill()
            self.wait()


class Incident(NamedTuple):
    """An open incident, as the engine's database has it."""

    key: int
    kind: str
    message: str
    job_key: int


class Engine(Process):
    """``coupler engine`` with a database file, on ports of its own, which it keeps when it is started again."""

    def __init__(self, directory: Path, *, arguments: Sequence[str] = ()) -> None:
        self.db = directory / "engine.db"
        self.port = free_port()
        self.rest_port = free_port()
        env = {
            "COUPLER_EMBEDDED__PORT": str(self.port),
            "COUPLER_EMBEDDED__REST_PORT": str(self.rest_port),
            "COUPLER_EMBEDDED__DB": str(self.db),
        }
        super().__init__("engine", ["engine", *arguments], directory=directory, env=env)

    @property
    def address(self) -> str:
        """Host and port of its gRPC server."""
        return f"127.0.0.1:{self.port}"

    def wait_until_ready(self) -> None:
        """Waits until its gRPC port takes connections."""

        def accepts() -> bool:
            assert self.running, f"{self.name} ended:\n{self.log()}"
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", self.port)) == 0

        until(accepts, f"{self.name} to listen")

    def incident(self, process_id: str) -> Incident | None:
        """The newest incident of a process. The gateway protocol has no call that lists incidents."""
        query = (
            "SELECT incident.key, type, message, job_key FROM incident"
            " JOIN definition ON definition.key = definition_key WHERE process_id = ? ORDER BY incident.key DESC"
        )
        with closing(sqlite3.connect(f"file:{self.db}?mode=ro", uri=True)) as database:
            row = database.execute(query, (process_id,)).fetchone()
        return Incident(*row) if row else None


class Worker(Process):
    """``coupler run`` against a gateway, with its admin server on a port of its own."""

    def __init__(
        self, directory: Path, gateway: str, *, env: Mapping[str, str] | None = None, wait_until_ready: bool = True
    ) -> None:
        self.admin_port = free_port()
        settings = {"COUPLER_GATEWAY__GRPC_ADDRESS": f"http://{gateway}", "COUPLER_ADMIN__PORT": str(self.admin_port)}
        super().__init__("worker", ["run"], directory=directory, env=settings | dict(env or {}))
        self._waits = wait_until_ready

    def get(self, path: str) -> httpx.Response | None:
        """Asks the admin server; ``None`` when it does not answer."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.admin_port}{path}", timeout=10, trust_env=False)
        except httpx.TransportError:
            return None

    def status(self, path: str) -> int | None:
        """The status of a path of the admin server; ``None`` when it does not answer."""
        response = self.get(path)
        return response.status_code if response else None

    def wait_until_ready(self) -> None:
        """Waits for ``/health/ready``."""

        def ready() -> bool:
            assert self.running, f"{self.name} ended:\n{self.log()}"
            return self.status("/health/ready") == 200

        until(ready, f"{self.name} to be ready")

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric over all samples that carry the labels."""
        response = self.get("/metrics")
        assert response is not None
        total = 0.0
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        for line in response.text.splitlines():
            if line.startswith((f"{name}{{", f"{name} ")) and all(label in line for label in wanted):
                total += float(line.rsplit(" ", 1)[1])
        return total


def _clean_environment() -> dict[str, str]:
    foreign = ("COUPLER_", "CAMUNDA_", "CONNECTOR_", "SECRET_", "ZEEBE_", "COV_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
