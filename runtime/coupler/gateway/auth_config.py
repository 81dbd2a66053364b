"""How the cluster is told who we are: settings, checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from coupler.errors import ConfigError

AuthMethod = Literal["none", "basic", "oidc"]


@dataclass(slots=True, frozen=True, kw_only=True)
class AuthConfig:
    """Credentials for the cluster.

    ``basic`` needs ``username`` and ``password``; ``oidc`` (OAuth 2.0 client credentials, RFC 6749 section 4.4) needs
    ``client_id``, ``client_secret`` and ``token_url`` or ``issuer_url``, and takes ``audience``, ``scope`` and
    ``resource`` where the identity provider wants them.

    Raises:
        ConfigError: from the constructor, naming the setting.
    """

    method: AuthMethod = "none"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    token_url: str | None = None
    issuer_url: str | None = None  # its discovery document names the token URL
    audience: str | None = None
    scope: str | None = None
    resource: str | None = None
    ca_certificate_path: Path | None = None  # for the identity provider; replaces the default authorities
    timeout_seconds: float = 10.0

    def __post_init__(self) -> None:
        if self.method == "basic":
            self._require("username", "password")
        elif self.method == "oidc":
            self._require("client_id", "client_secret")
            if not self.token_url and not self.issuer_url:
                raise ConfigError("gateway.auth.method is 'oidc', but gateway.auth.token_url is not set")
            self._check_url("token_url")
            self._check_url("issuer_url")
        elif self.method != "none":
            raise ConfigError(f"gateway.auth.method is '{self.method}'; it must be 'none', 'basic' or 'oidc'")
        if self.ca_certificate_path is not None and not self.ca_certificate_path.is_file():
            raise ConfigError(f"gateway.auth.ca_certificate_path: there is no file {self.ca_certificate_path}")

    def _require(self, *names: str) -> None:
        for name in names:
            if not getattr(self, name):
                raise ConfigError(f"gateway.auth.method is '{self.method}', but gateway.auth.{name} is not set")

    def _check_url(self, name: str) -> None:
        value: str | None = getattr(self, name)
        if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ConfigError(
                f"gateway.auth.{name} '{value}' is not a URL such as https://login.example.com/oauth/token"
            )
