"""The errors a connector raises, chosen by what the runtime shall do."""

from __future__ import annotations

from coupler.errors import BpmnError, ConfigError, ConnectorError, EgressDenied, InputError, RetryLater

__all__ = ["BpmnError", "ConfigError", "ConnectorError", "EgressDenied", "InputError", "RetryLater"]
