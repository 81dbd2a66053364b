"""What connectors that make HTTP calls in the name of a process model have in common."""

from __future__ import annotations

from typing import TypeVar

from coupler.sdk.connector import Connector
from coupler.sdk.context import Resources
from coupler.sdk.http_call.caller import HttpCaller, HttpCallSettings
from coupler.sdk.http_call.input import HttpCallInput

HttpInputT = TypeVar("HttpInputT", bound=HttpCallInput)


class HttpCallConnector(Connector[HttpInputT]):
    """A connector with one ``HttpCaller`` for all its jobs, made with the settings of the deployment."""

    Settings = HttpCallSettings  # type: ignore[assignment, unused-ignore]
    response_is_json = True

    def __init__(self) -> None:
        self.caller = HttpCaller()

    async def open(self, resources: Resources) -> None:
        """Takes the settings of the deployment."""
        self.caller = HttpCaller(self.settings)

    async def close(self) -> None:
        """Ends token requests that are under way."""
        await self.caller.close()


__all__ = ["HttpCallConnector"]
