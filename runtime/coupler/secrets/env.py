"""Secrets from environment variables."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

from pydantic import BaseModel

from coupler.errors import SecretsUnavailable
from coupler.secrets.provider import SecretScope

log = logging.getLogger(__name__)


class EnvironmentSecrets:
    """Secret ``NAME`` is the variable ``SECRET_NAME``.

    The prefix keeps the rest of the environment out of reach of process models.
    """

    name = "env"

    class Settings(BaseModel):
        """``COUPLER_SECRETS__ENV__…``"""

        enabled: bool = True
        """Whether jobs get secrets from the environment at all."""
        prefix: str = "SECRET_"
        tenant_aware: bool = False
        """Look up ``SECRET_<tenant>_NAME``."""
        process_aware: bool = False
        """Look up ``SECRET_<process id>_NAME``."""

    def __init__(self, settings: Settings | None = None, environ: Mapping[str, str] | None = None) -> None:
        self._settings = settings or self.Settings()
        self._environ = os.environ if environ is None else environ
        self._warned: set[str] = set()
        if self._settings.enabled and not self._settings.prefix:
            log.warning(
                "COUPLER_SECRETS__ENV__PREFIX is empty:"
                " process models can read every environment variable of this process."
            )

    async def get(self, name: str, scope: SecretScope) -> str | None:
        """The value of the variable, ``None`` when it is not set.

        Raises:
            SecretsUnavailable: it holds bytes that are no text.
        """
        if not self._settings.enabled:
            return None
        value = self._environ.get(self._variable(name, scope))
        if value is None:
            self._hint(name, scope)
        elif not value.isascii() and not _is_text(value):
            raise SecretsUnavailable(f"The environment variable of secret '{name}' is not UTF-8 text.")
        return value

    async def close(self) -> None:
        """Nothing to release."""

    def _variable(self, name: str, scope: SecretScope) -> str:
        parts = [name]
        if self._settings.process_aware:
            parts.insert(0, scope.process_id)
        if self._settings.tenant_aware:
            parts.insert(0, scope.tenant_id)
        return self._settings.prefix + "_".join(parts)

    def _hint(self, name: str, scope: SecretScope) -> None:
        """Says once that a variable is there, but not under the name that is looked up."""
        if name in self._warned or name not in self._environ:
            return
        self._warned.add(name)
        log.warning(
            "Secret %r is not given to jobs: the variable %s is set, but secrets are read from %s.",
            name,
            name,
            self._variable(name, scope),
        )


def _is_text(value: str) -> bool:
    """Python smuggles bytes that are no UTF-8 into a text as lone surrogates, which nothing downstream can write."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
