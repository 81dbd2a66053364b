"""One question to the admin server, with nothing but the standard library: it runs every few seconds in containers."""

from __future__ import annotations

import http.client
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 5.0


_FILES = ("coupler.toml", "coupler.yaml", "coupler.yml", ".env")


def only_environment(options: Namespace, environ: Mapping[str, str], folder: Path) -> tuple[str, str] | None:
    """Host and port of the admin server where nothing but the environment can say them; else ``None``."""
    elsewhere = options.config or options.env_file or options.set
    if elsewhere or environ.get("COUPLER_CONFIG") or environ.get("COUPLER_ENV_FILE"):
        return None
    if any((folder / name).exists() for name in _FILES):
        return None
    return environ.get("COUPLER_ADMIN__HOST") or "127.0.0.1", environ.get("COUPLER_ADMIN__PORT") or "8080"


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
