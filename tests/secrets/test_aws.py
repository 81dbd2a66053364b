"""The provider for AWS, with the real boto3 against an HTTP server that answers as Secrets Manager does."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from coupler.errors import SecretsUnavailable
from coupler.secrets import SecretScope
from coupler.secrets.aws import AwsSecrets, AwsSettings

SCOPE = SecretScope("<default>", "order", 1, "call")


class Manager(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.secrets: dict[str, dict[str, str]] = {}
        self.reads: list[str] = []
        self.refuse = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Manager

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
        assert self.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDTEST/")
        self.server.reads.append(body["SecretId"])
        if self.server.refuse:
            self.answer(400, {"__type": self.server.refuse, "message": "no"})
        elif body["SecretId"] in self.server.secrets:
            self.answer(200, {"Name": body["SecretId"], **self.server.secrets[body["SecretId"]]})
        else:
            self.answer(400, {"__type": "ResourceNotFoundException", "message": "no"})

    def answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: Any) -> None:  # noqa: A002 - the signature of http.server
        pass


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    pytest.importorskip("boto3")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    server = Manager()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@asynccontextmanager
async def provider(manager: Manager, **settings: Any) -> AsyncIterator[AwsSecrets]:
    secrets = AwsSecrets(AwsSettings(region="eu-central-1", endpoint_url=manager.address, **settings))
    try:
        yield secrets
    finally:
        await secrets.close()


async def test_names_are_keys_of_one_secret(manager: Manager) -> None:
    manager.secrets["prod-cluster"] = {"SecretString": '{"A": "a", "N": 42}'}
    async with provider(manager, secret_id="prod-cluster") as secrets:
        values = [await secrets.get(name, SCOPE) for name in ("A", "N", "NOPE")]

    assert values == ["a", "42", None]
    assert manager.reads == ["prod-cluster"]


async def test_names_are_secrets_of_their_own(manager: Manager) -> None:
    manager.secrets["app/A"] = {"SecretString": "a"}
    manager.secrets["app/B"] = {"SecretBinary": base64.b64encode(b"bytes").decode()}
    async with provider(manager, prefix="app/", cache_seconds=0) as secrets:
        assert [await secrets.get(name, SCOPE) for name in ("A", "B", "C", "A")] == ["a", "bytes", None, "a"]

    assert manager.reads == ["app/A", "app/B", "app/C", "app/A"]


async def test_trouble_is_no_missing_secret(manager: Manager) -> None:
    manager.secrets["text"] = {"SecretString": "no JSON"}
    manager.secrets["list"] = {"SecretString": "[]"}
    for secret_id in ("text", "list"):
        async with provider(manager, secret_id=secret_id) as secrets:
            with pytest.raises(SecretsUnavailable, match="JSON"):
                await secrets.get("A", SCOPE)
    manager.refuse = "AccessDeniedException"
    async with provider(manager) as secrets:
        with pytest.raises(SecretsUnavailable, match=r"refuses \(AccessDeniedException\)"):
            await secrets.get("A", SCOPE)


async def test_an_endpoint_that_is_away_is_said(manager: Manager) -> None:
    secrets = AwsSecrets(AwsSettings(region="eu-central-1", endpoint_url="http://127.0.0.1:1"))
    with pytest.raises(SecretsUnavailable, match="EndpointConnectionError"):
        await secrets.get("A", SCOPE)
    await secrets.close()


async def test_boto3_is_not_imported_before_a_secret_is_wanted() -> None:
    import subprocess
    import sys

    program = (
        "import sys\nfrom coupler.secrets.aws import AwsSecrets, AwsSettings\nAwsSecrets(AwsSettings())\n"
        "print('boto3' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"
