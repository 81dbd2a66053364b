"""The other system: a small HTTP server on loopback that counts the calls it gets.

Every call carries the id of its process instance in the header ``X-Instance``; each instance has one job that calls.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(slots=True, frozen=True)
class Call:
    """One call as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float  # seconds, time.monotonic()


class Target:
    """Answers by path.

    ``/ok``               200, ``{"answer": 42, "echo": <the JSON body>}``
    ``/status/404``       that status, ``{"code": "E404"}``
    ``/fails/2/503``      that status for the first two calls of an instance, then as ``/ok``
    ``/slow/0.5``         as ``/ok``, after that many seconds
    ``/held``             as ``/ok``, once ``release`` was called
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, list[Call]] = defaultdict(list)
        self._held = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def release(self) -> None:
        """Lets all held calls go."""
        self._held.set()

    def calls(self, instance: str) -> list[Call]:
        """The calls of one instance, oldest first."""
        with self._lock:
            return list(self._calls[instance])

    def all_calls(self) -> dict[str, list[Call]]:
        """The calls of every instance."""
        with self._lock:
            return {instance: list(calls) for instance, calls in self._calls.items() if calls}

    def _record(self, instance: str, call: Call) -> int:
        with self._lock:
            self._calls[instance].append(call)
            return len(self._calls[instance])

    def _answer(self, path: str, nth: int, body: bytes) -> tuple[int, object]:
        ok = {"answer": 42, "echo": json.loads(body) if body else None}
        if match := re.fullmatch(r"/status/(\d+)", path):
            return int(match[1]), {"code": f"E{match[1]}"}
        if match := re.fullmatch(r"/fails/(\d+)/(\d+)", path):
            return (int(match[2]), {"attempt": nth}) if nth <= int(match[1]) else (200, ok)
        if match := re.fullmatch(r"/slow/([\d.]+)", path):
            time.sleep(float(match[1]))
        if path == "/held":
            self._held.wait()
        return 200, ok

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        target = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                call = Call(self.command, self.path, dict(self.headers.items()), body, time.monotonic())
                nth = target._record(self.headers.get("X-Instance", ""), call)
                status, content = target._answer(self.path, nth, body)
                answer = json.dumps(content).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except ConnectionError:
                    self.close_connection = True  # the caller was killed

            def do_POST(self) -> None:
                self.do_GET()

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # the caller was killed between two calls
                    super().handle()

            def log_message(self, *args: object) -> None:
                pass

        return Handler
