"""The other system: an HTTP server on loopback that tells what it was sent, with a token endpoint that checks."""

from __future__ import annotations

import json
import re
import ssl
import threading
import time
from base64 import b64decode
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

CLIENT = ("the-client", "the-secret")
ACCESS_TOKEN = "granted-4711"


class Echo:
    """Answers by path, the rest of the path counts nothing.

    ``/echo…``            200, JSON: method, path, query as a list of pairs, headers in lower case, body as text
    ``/status/404``       that status, ``{"reason": "told so"}``
    ``/fails/2/<name>``   503 for the first two calls of that name, then as ``/echo``
    ``/slow/3``           as ``/echo``, after that many seconds
    ``/moved``            302 to ``/echo``
    ``/latin``            text in ISO 8859-1
    ``/graphql``          as ``/echo`` under ``data``; with an error where the query says ``fail``
    ``/token``            an access token, for the right client or refresh token only
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.calls: Counter[str] = Counter()
        self._scheme = "https" if tls else "http"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"{self._scheme}://localhost:{self._server.server_address[1]}"


def token(form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
    """The answer of the token endpoint (RFC 6749, sections 4.4 and 6)."""
    client = (form.get("client_id", ""), form.get("client_secret", ""))
    if authorization.startswith("Basic "):
        name, _, secret = b64decode(authorization[6:]).decode().partition(":")
        client = (name, secret)
    grant = form.get("grant_type")
    if client != CLIENT or (grant == "refresh_token" and form.get("refresh_token") != "fresh"):
        return 401, {"error": "invalid_client"}
    return 200, {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 60}


def _told(call: BaseHTTPRequestHandler, body: str) -> dict[str, Any]:
    parts = urlsplit(call.path)
    return {
        "method": call.command,
        "path": parts.path,
        "raw": call.path,
        "query": [list(pair) for pair in parse_qsl(parts.query, keep_blank_values=True)],
        "headers": {name.lower(): value for name, value in call.headers.items()},
        "body": body,
    }


def _special(path: str, nth: int) -> tuple[int, Any] | None:
    """The answers that tell nothing of the call."""
    if match := re.match(r"/status/(\d+)", path):
        return int(match[1]), {"reason": "told so"}
    if (match := re.match(r"/fails/(\d+)/", path)) and nth <= int(match[1]):
        return 503, {}
    if match := re.match(r"/slow/([\d.]+)", path):
        time.sleep(float(match[1]))
    if path == "/moved":
        return 302, {}
    return (200, "Grüße".encode("latin-1")) if path == "/latin" else None


def _answer(call: BaseHTTPRequestHandler, body: str, nth: int) -> tuple[int, Any]:
    path = urlsplit(call.path).path
    if path == "/token":
        return token(dict(parse_qsl(body)), call.headers.get("Authorization", ""))
    if path == "/graphql":
        fails = "fail" in call.path + body
        return 200, {"errors": [{"message": "no such field"}]} if fails else {"data": _told(call, body)}
    return _special(path, nth) or (200, _told(call, body))


def _handler(echo: Echo) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            """Every method is answered in the same way."""
            try:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                self.answer()
            except OSError:
                self.close_connection = True  # the caller went away, which a read timeout does

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            echo.calls[self.path] += 1
            status, answer = _answer(self, body, echo.calls[self.path])
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if status == 302:
                self.send_header("Location", "/echo")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            pass

    return Handler
