"""A small HTTP server for demos: the other system that connectors call.

POST /orders            201, the order with a number and a total; 401 without the bearer token "demo-token"
GET  /weather?city=…    200, a temperature
GET  /flaky?id=…        503 at the first call with an id, 200 at the next
GET  /customers/<id>    404 with a code in the body
POST /broken            500
"""

from __future__ import annotations

import json
import threading
from decimal import Decimal
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_POLL_SECONDS = 0.05  # how soon it notices that it shall end

TOKEN = "demo-token"  # noqa: S105 - of the sample server alone


class SampleTarget:
    """The server in a thread of its own. A context manager."""

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="sample target", daemon=True
        )

    @property
    def address(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> SampleTarget:
        """Starts it."""
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Stops it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.lock = threading.Lock()
        self.seen: set[str] = set()
        self.orders = 1000


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/weather":
            self._answer(HTTPStatus.OK, {"city": query.get("city", ""), "celsius": 21.5, "sky": "clear"})
        elif url.path == "/flaky":
            self._flaky(query.get("id", ""))
        elif url.path.startswith("/customers/"):
            self._answer(HTTPStatus.NOT_FOUND, {"code": "UNKNOWN_CUSTOMER", "id": url.path.rpartition("/")[2]})
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"code": "NO_SUCH_PATH"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/orders":
            self._order(body)
        else:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"code": "BROKEN", "text": "This part never works."})

    def _order(self, body: bytes) -> None:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(HTTPStatus.UNAUTHORIZED, {"code": "NO_TOKEN"})
            return
        order = json.loads(body, parse_float=Decimal)
        with self.server.lock:
            self.server.orders += 1
            number = self.server.orders
        total = sum(Decimal(str(item["price"])) * item["quantity"] for item in order["items"])
        self._answer(HTTPStatus.CREATED, {"number": number, "customer": order["customer"], "total": float(total)})

    def _flaky(self, key: str) -> None:
        with self.server.lock:
            again = key in self.server.seen
            self.server.seen.add(key)
        if again:
            self._answer(HTTPStatus.OK, {"id": key, "text": "it works now"})
        else:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, {"code": "TRY_AGAIN"})

    def _answer(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: Any) -> None:  # noqa: A002 - the signature of http.server
        """Calls are no news."""
