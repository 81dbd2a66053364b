"""The other system: a small HTTP server on loopback that counts the calls it gets.

Every call carries the id of its process instance in the header ``X-Instance``; each instance has one job that calls.
"""

from __future__ import annotations

import contextlib
import itertools
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024  # the default of 5 makes a burst of connections wait for TCP's retransmissions


class Target:
    """Answers by path.

    ``/ok``               200, ``{"answer": 42, "echo": <the body, byte for byte>}``
    ``/status/404``       that status, ``{"code": "E404"}``
    ``/fails/2/503``      that status for the first two calls of an instance, then as ``/ok``
    ``/slow/0.5``         as ``/ok``, after that many seconds
    ``/held``             as ``/ok``, once ``release`` was called
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, list[Call]] = defaultdict(list)
        self._held = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
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

    def gaps(self) -> dict[str, list[float]]:
        """Of every instance that was called more than once, the seconds between its calls."""
        repeated = {instance: calls for instance, calls in self.all_calls().items() if len(calls) > 1}
        return {
            instance: [round(later.at - earlier.at, 2) for earlier, later in itertools.pairwise(calls)]
            for instance, calls in repeated.items()
        }

    def _record(self, instance: str, call: Call) -> int:
        with self._lock:
            self._calls[instance].append(call)
            return len(self._calls[instance])

    def _answer(self, path: str, nth: int, body: bytes) -> tuple[int, bytes]:
        if match := re.fullmatch(r"/status/(\d+)", path):
            return int(match[1]), b'{"code": "E%s"}' % match[1].encode()
        if (match := re.fullmatch(r"/fails/(\d+)/(\d+)", path)) and nth <= int(match[1]):
            return int(match[2]), b'{"attempt": %d}' % nth
        if match := re.fullmatch(r"/slow/([\d.]+)", path):
            time.sleep(float(match[1]))
        if path == "/held":
            self._held.wait()
        return 200, b'{"answer": 42, "echo": %s}' % (body or b"null")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        target = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                call = Call(self.command, self.path, dict(self.headers.items()), body, time.monotonic())
                nth = target._record(self.headers.get("X-Instance", ""), call)
                status, answer = target._answer(self.path, nth, body)
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
