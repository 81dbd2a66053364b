"""One question to the admin server, with nothing but the standard library: it runs every few seconds in containers."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 5.0


def ask(url: str) -> tuple[bool, str]:
    """Whether the answer was 200, and what it said."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", parts.path or "/")
        answer = connection.getresponse()
        return answer.status == 200, answer.read().decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return False, f"no answer: {error}"
    finally:
        connection.close()
