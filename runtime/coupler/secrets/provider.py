"""The seam of secret providers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True, frozen=True)
class SecretScope:
    """For whom a secret is looked up."""

    tenant_id: str
    process_id: str
    process_definition_key: int
    element_id: str


class SecretProvider(Protocol):
    """A source of secrets. Providers are asked in order; the first that knows a name wins."""

    name: str

    async def get(self, name: str, scope: SecretScope) -> str | None:
        """The value, or ``None`` when this provider does not have it.

        Raises:
            SecretsUnavailable: the provider cannot be reached.
        """
        ...

    async def close(self) -> None:
        """Releases what the provider holds."""
        ...
