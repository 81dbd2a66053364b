"""The element template of the REST connector as a whole; what it says of each field stands in the model."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from coupler.sdk.template import Group, TemplateInfo

TEMPLATE: Final = TemplateInfo(
    id="io.coupler.connectors.rest",
    version=2,  # 1: without reusable credentials, for clusters before 8.10
    engines="^8.10",
    name="REST call",
    description="Calls an HTTP endpoint and maps the answer to variables",
    keywords=("http", "rest", "api", "json", "request"),
    icon=Path(__file__).with_name("icon.svg"),
    groups=(
        Group("authentication", "Authentication"),
        Group("tls", "Client certificate (mTLS)"),
        Group("endpoint", "HTTP endpoint"),
        Group("timeout", "Timeouts"),
        Group("payload", "Payload"),
    ),
    result_expression="={\n  myResponseBody: response.body\n}",
)

__all__ = ["TEMPLATE"]
