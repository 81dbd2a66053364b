"""S3 as one job sees it: calls in threads, with the job's identity, and failures as errors of the SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from coupler.sdk.http import HttpEngine
from coupler_s3.clients import Clients
from coupler_s3.failures import translated
from coupler_s3.identity import Identity
from coupler_s3.settings import S3Settings
from coupler_s3.threads import Cut, Guard, Threads

T = TypeVar("T")

_GUARD_SECONDS: Final = 60.0
"""The loop answers at once; it does not when the runtime ends."""


@dataclass(frozen=True, slots=True)
class S3:
    """What an action needs to do its work."""

    identity: Identity
    clients: Clients
    threads: Threads
    settings: S3Settings
    headers: Mapping[str, str]
    egress: HttpEngine | None

    async def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Makes one call; parameters that are ``None`` are left out.

        Raises:
            InputError: it cannot be made like this, or the egress policy forbids the address.
            ConnectorError: it failed, with the code of S3.
            RetryLater: it failed, and S3 is busy, or no other attempt would help.
        """
        answer: dict[str, Any] = await self.within(
            lambda client, cut: getattr(client, operation)(**without_none(parameters))
        )
        return answer

    async def within(self, work: Callable[[Any, Cut], T]) -> T:
        """Does work with a client in a thread. Raises as ``call`` does."""

        def in_thread(cut: Cut) -> T:
            try:
                return work(self.clients.get(self.identity), cut)
            except Exception as error:
                replaced = translated(error, self.headers)
                if replaced is error:
                    raise
                raise replaced from error

        return await self.threads.run(in_thread, self._guard())

    async def who_am_i(self) -> str:
        """The name (ARN) of who the credentials are, which AWS tells everybody about himself."""
        arn: str = (await self.within(lambda _, __: self.clients.caller_identity(self.identity)))["Arn"]
        return arn

    def _guard(self) -> Guard | None:
        """Keeps calls from addresses that the egress policy forbids; the endpoint of the settings needs no guard."""
        engine = self.egress
        if engine is None or (self.identity.endpoint is not None and self.identity.endpoint == self.settings.endpoint):
            return None
        loop = asyncio.get_running_loop()

        def ask(url: str, address: str | None) -> None:
            asyncio.run_coroutine_threadsafe(engine.check(url, address), loop).result(_GUARD_SECONDS)

        return ask


def without_none(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that say something."""
    return {name: value for name, value in parameters.items() if value is not None}


__all__ = ["S3", "without_none"]
