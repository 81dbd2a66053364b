"""Secrets from HashiCorp Vault, or OpenBao, over its HTTP API: the key-value engine, version 1 or 2.

Secret ``NAME`` is the key ``NAME`` of the Vault secret at ``path``; ``folder/NAME`` is the key ``NAME`` at
``path/folder``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, Field, SecretStr, model_validator

from coupler import json
from coupler.errors import CouplerError, SecretsUnavailable
from coupler.http.config import HttpConfig
from coupler.http.engine import Engine
from coupler.http.messages import HttpEngine, HttpRequest, HttpResponse, TlsMaterial
from coupler.secrets.cache import TtlCache
from coupler.secrets.provider import SecretScope

_KUBERNETES_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
_RENEW_AT = 0.9  # of a token's life
_TIMEOUT_SECONDS = 10.0


class VaultSettings(BaseModel):
    """``COUPLER_SECRETS__VAULT__…``"""

    address: str
    mount: str = "secret"
    path: str = "coupler"
    kv_version: Literal[1, 2] = 2
    namespace: str | None = None
    cache_seconds: Annotated[float, Field(ge=0)] = 60.0
    ca_certificate_path: Path | None = None
    token: SecretStr | None = None
    token_path: Path | None = None
    """A file with the token, read again at every login: an agent keeps it fresh."""
    role_id: str | None = None
    secret_id: SecretStr | None = None
    kubernetes_role: str | None = None
    kubernetes_token_path: Path = _KUBERNETES_TOKEN
    auth_mount: str | None = None
    """Where the login method is mounted; ``approle`` or ``kubernetes`` unless set."""

    @model_validator(mode="after")
    def _one_way_in(self) -> VaultSettings:
        ways = [self.token is not None, self.token_path is not None, self.role_id is not None]
        ways.append(self.kubernetes_role is not None)
        if sum(ways) != 1:
            raise ValueError("set exactly one of token, token_path, role_id (with secret_id) and kubernetes_role")
        return self


class VaultSecrets:
    """The provider ``vault``."""

    name = "vault"
    Settings = VaultSettings

    def __init__(self, settings: VaultSettings, engine: HttpEngine | None = None) -> None:
        self._settings = settings
        self._own_engine = Engine(HttpConfig()) if engine is None else None
        self._engine: HttpEngine = engine or self._own_engine  # type: ignore[assignment]
        self._cache = TtlCache(self._read, ttl_seconds=settings.cache_seconds)
        self._token = ""
        self._token_ends_at = 0.0

    async def get(self, name: str, scope: SecretScope) -> str | None:
        """The value of the key; numbers and objects as JSON.

        Raises:
            SecretsUnavailable: Vault cannot be reached, is sealed, or refuses.
        """
        folder, _, key = name.rpartition("/")
        value = (await self._cache.get(folder)).get(key)
        return value if value is None or isinstance(value, str) else json.dumps(value)

    async def close(self) -> None:
        """Closes the connections and forgets what was read."""
        self._cache.clear()
        if self._own_engine is not None:
            await self._own_engine.close()

    async def _read(self, folder: str) -> Mapping[str, Any]:
        settings = self._settings
        parts = [settings.mount, "data" if settings.kv_version == 2 else "", settings.path, folder]
        path = "/".join(quote(part.strip("/"), safe="/") for part in parts if part)
        answer = await self._authorized(path)
        if answer.status == 404:
            return {}
        content = _content(answer)
        data = content.get("data") or {}
        if settings.kv_version == 2:
            data = data.get("data") or {}
        return data if isinstance(data, dict) else {}

    async def _authorized(self, path: str) -> HttpResponse:
        """Asks, and logs in anew once where the token is not accepted."""
        if time.monotonic() >= self._token_ends_at:
            await self._log_in()
        answer = await self._send("GET", path, None)
        if answer.status == 403:
            await self._log_in()
            answer = await self._send("GET", path, None)
        return answer

    async def _log_in(self) -> None:
        settings = self._settings
        self._token_ends_at = float("inf")
        if settings.token is not None:
            self._token = settings.token.get_secret_value()
        elif settings.token_path is not None:
            self._token = _file(settings.token_path)
        elif settings.role_id is not None:
            secret_id = settings.secret_id.get_secret_value() if settings.secret_id else ""
            await self._exchange("approle", {"role_id": settings.role_id, "secret_id": secret_id})
        else:
            token = _file(settings.kubernetes_token_path)
            await self._exchange("kubernetes", {"role": settings.kubernetes_role, "jwt": token})

    async def _exchange(self, method: str, body: Mapping[str, Any]) -> None:
        self._token = ""
        self._token_ends_at = 0.0
        mount = self._settings.auth_mount or method
        auth = _content(await self._send("POST", f"auth/{quote(mount, safe='/')}/login", body)).get("auth") or {}
        if not auth.get("client_token"):
            raise SecretsUnavailable("Vault's answer to the login has no token.")
        lease_seconds = float(auth.get("lease_duration") or 0)
        self._token = auth["client_token"]
        self._token_ends_at = time.monotonic() + lease_seconds * _RENEW_AT if lease_seconds else float("inf")

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> HttpResponse:
        headers = [("X-Vault-Request", "true"), ("Accept", "application/json")]
        if self._token:
            headers.append(("X-Vault-Token", self._token))
        if self._settings.namespace:
            headers.append(("X-Vault-Namespace", self._settings.namespace))
        request = HttpRequest(
            method,
            f"{self._settings.address.rstrip('/')}/v1/{path}",
            headers,
            None if body is None else json.dump_bytes(dict(body)),
            connect_timeout_seconds=_TIMEOUT_SECONDS,
            read_timeout_seconds=_TIMEOUT_SECONDS,
            tls=self._tls(),
        )
        try:
            return await self._engine.send(request)
        except CouplerError as error:
            raise SecretsUnavailable("Vault cannot be reached.") from error

    def _tls(self) -> TlsMaterial | None:
        path = self._settings.ca_certificate_path
        return None if path is None else TlsMaterial(trusted_certificates=_file(path))


def _content(answer: HttpResponse) -> dict[str, Any]:
    if answer.status == 503:
        raise SecretsUnavailable("Vault is sealed or in maintenance (503).")
    if answer.status != 200:
        raise SecretsUnavailable(f"Vault refuses (status {answer.status}).")
    try:
        content = json.loads(answer.body)
    except json.Malformed as error:
        raise SecretsUnavailable("Vault's answer is not JSON.") from error
    if not isinstance(content, dict):
        raise SecretsUnavailable("Vault's answer is not a JSON object.")
    return content


def _file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretsUnavailable(f"The file {path} cannot be read.") from error
