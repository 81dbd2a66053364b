"""All that a connector may import.

from coupler.sdk import Connector, ConnectorError, Input, JobContext

class Greeter(Connector["Greeter.Input"]):
    type = "example:greeter:1"
    name = "Greeter"

    class Input(Input):
        who: str

    async def execute(self, input, context):
        return {"text": f"Hello {input.who}"}
"""

from __future__ import annotations

from coupler.sdk.connector import Connector
from coupler.sdk.context import JobContext, Resources
from coupler.sdk.errors import BpmnError, ConfigError, ConnectorError, EgressDenied, InputError, RetryLater
from coupler.sdk.input import Input
from coupler.sdk.operation import operation

__all__ = [
    "BpmnError",
    "ConfigError",
    "Connector",
    "ConnectorError",
    "EgressDenied",
    "Input",
    "InputError",
    "JobContext",
    "Resources",
    "RetryLater",
    "operation",
]
