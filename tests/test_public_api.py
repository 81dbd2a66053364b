"""The public names: a change here is a change that authors of connectors notice."""

from __future__ import annotations

import coupler.sdk
import coupler.sdk.http
import coupler.testing


def test_names_of_the_sdk() -> None:
    assert coupler.sdk.__all__ == [
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


def test_names_of_the_sdk_for_http() -> None:
    assert coupler.sdk.http.__all__ == [
        "HttpEngine",
        "HttpRequest",
        "HttpResponse",
        "TlsMaterial",
        "TransportError",
        "TransportFault",
    ]


def test_names_of_the_author_kit() -> None:
    assert coupler.testing.__all__ == [
        "CompleteCommand",
        "FailCommand",
        "FakeGateway",
        "FakeJob",
        "JobState",
        "ManualClock",
        "ThrowErrorCommand",
        "UnexpectedFailure",
        "UpdateTimeoutCommand",
    ]


def test_every_public_name_is_there_and_documented() -> None:
    for module in (coupler.sdk, coupler.sdk.http, coupler.testing):
        for name in module.__all__:
            assert getattr(module, name).__doc__, f"{module.__name__}.{name}"
