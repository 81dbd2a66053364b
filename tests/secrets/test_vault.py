"""The provider for Vault, against an HTTP server that answers as Vault's API does."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from coupler.errors import SecretsUnavailable
from coupler.secrets import SecretScope
from coupler.secrets.vault import VaultSecrets, VaultSettings

SCOPE = SecretScope("<default>", "order", 1, "call")
DATA = {"A": "a", "N": 42, "O": {"x": 1.50}, "E": ""}


class Vault(ThreadingHTTPServer):
    """Version 2 at ``secret``, version 1 at ``kv``; logins by AppRole and Kubernetes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.tokens = {"root"}
        self.sealed = False
        self.logins: list[tuple[str, Any]] = []
        self.reads: list[str] = []
        self.namespaces: set[str | None] = set()
        self.lease_duration = 3600

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vault

    def do_GET(self) -> None:
        self.server.reads.append(self.path)
        self.server.namespaces.add(self.headers.get("X-Vault-Namespace"))
        if self.server.sealed:
            self.answer(503, {"errors": ["Vault is sealed"]})
        elif self.headers.get("X-Vault-Token") not in self.server.tokens:
            self.answer(403, {"errors": ["permission denied"]})
        elif self.path in ("/v1/secret/data/coupler", "/v1/secret/data/coupler/shop"):
            self.answer(200, {"data": {"data": DATA, "metadata": {"version": 1}}})
        elif self.path == "/v1/kv/coupler":
            self.answer(200, {"data": DATA})
        else:
            self.answer(404, {"errors": []})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.logins.append((self.path, body))
        if body.get("secret_id") == "wrong":
            self.answer(400, {"errors": ["invalid secret id"]})
            return
        token = f"token-{len(self.server.logins)}"
        self.server.tokens.add(token)
        self.answer(200, {"auth": {"client_token": token, "lease_duration": self.server.lease_duration}})

    def answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: Any) -> None:  # noqa: A002 - the signature of http.server
        pass


@pytest.fixture
def vault() -> Iterator[Vault]:
    server = Vault()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@asynccontextmanager
async def provider(vault: Vault, **settings: Any) -> AsyncIterator[VaultSecrets]:
    secrets = VaultSecrets(VaultSettings(address=vault.address, **settings))
    try:
        yield secrets
    finally:
        await secrets.close()


async def test_names_are_keys_of_one_secret(vault: Vault) -> None:
    async with provider(vault, token="root", namespace="team") as secrets:
        values = {name: await secrets.get(name, SCOPE) for name in ("A", "N", "O", "E", "NOPE")}

    assert values == {"A": "a", "N": "42", "O": '{"x":1.5}', "E": "", "NOPE": None}
    assert vault.reads == ["/v1/secret/data/coupler"]
    assert vault.namespaces == {"team"}


async def test_a_folder_in_the_name_is_a_folder_of_vault(vault: Vault) -> None:
    async with provider(vault, token="root") as secrets:
        assert await secrets.get("shop/A", SCOPE) == "a"
        assert await secrets.get("nowhere/A", SCOPE) is None

    assert vault.reads == ["/v1/secret/data/coupler/shop", "/v1/secret/data/coupler/nowhere"]


async def test_version_1_of_the_engine(vault: Vault) -> None:
    async with provider(vault, token="root", mount="kv", kv_version=1) as secrets:
        assert await secrets.get("A", SCOPE) == "a"


async def test_answers_are_kept_for_as_long_as_told(vault: Vault) -> None:
    async with provider(vault, token="root", cache_seconds=0) as secrets:
        await secrets.get("A", SCOPE)
        await secrets.get("A", SCOPE)

    assert len(vault.reads) == 2


async def test_login_with_a_role_and_again_when_the_token_is_not_accepted(vault: Vault) -> None:
    async with provider(vault, role_id="me", secret_id="s", cache_seconds=0) as secrets:
        assert await secrets.get("A", SCOPE) == "a"
        assert await secrets.get("A", SCOPE) == "a"
        assert vault.logins == [("/v1/auth/approle/login", {"role_id": "me", "secret_id": "s"})]

        vault.tokens.clear()
        assert await secrets.get("A", SCOPE) == "a"
        assert len(vault.logins) == 2


async def test_a_token_is_renewed_before_it_ends(vault: Vault) -> None:
    vault.lease_duration = 1
    async with provider(vault, role_id="me", secret_id="s", cache_seconds=0) as secrets:
        await secrets.get("A", SCOPE)
        secrets._token_ends_at -= 1  # as if its life were over
        await secrets.get("A", SCOPE)

    assert len(vault.logins) == 2


async def test_login_with_the_service_account_of_kubernetes(vault: Vault, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("jwt-1\n")
    settings = {"kubernetes_role": "coupler", "kubernetes_token_path": token, "auth_mount": "k8s/prod"}
    async with provider(vault, **settings) as secrets:
        assert await secrets.get("A", SCOPE) == "a"

    assert vault.logins == [("/v1/auth/k8s/prod/login", {"role": "coupler", "jwt": "jwt-1"})]


async def test_a_token_file_is_read_again(vault: Vault, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    vault.tokens = {"old"}
    async with provider(vault, token_path=token, cache_seconds=0) as secrets:
        await secrets.get("A", SCOPE)
        vault.tokens = {"new"}
        token.write_text("new")

        assert await secrets.get("A", SCOPE) == "a"


async def test_trouble_is_no_missing_secret(vault: Vault, tmp_path: Path) -> None:
    async with provider(vault, token="unknown") as secrets:
        with pytest.raises(SecretsUnavailable, match=r"Vault refuses \(status 403\)"):
            await secrets.get("A", SCOPE)
        vault.sealed = True
        with pytest.raises(SecretsUnavailable, match="sealed"):
            await secrets.get("A", SCOPE)
    async with provider(vault, role_id="me", secret_id="wrong") as secrets:
        with pytest.raises(SecretsUnavailable, match="status 400"):
            await secrets.get("A", SCOPE)
    async with provider(vault, token_path=tmp_path / "nope") as secrets:
        with pytest.raises(SecretsUnavailable, match="cannot be read"):
            await secrets.get("A", SCOPE)
    unreachable = VaultSecrets(VaultSettings(address="http://127.0.0.1:1", token=SecretStr("x")))
    with pytest.raises(SecretsUnavailable, match="cannot be reached"):
        await unreachable.get("A", SCOPE)
    await unreachable.close()


@pytest.mark.parametrize("ways", [{}, {"token": "a", "role_id": "b"}])
def test_there_is_exactly_one_way_in(ways: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="exactly one of token"):
        VaultSettings.model_validate({"address": "http://vault", **ways})


def test_settings_do_not_show_the_token() -> None:
    settings = VaultSettings(address="http://vault", token=SecretStr("hunter2"))

    assert "hunter2" not in repr(settings)
