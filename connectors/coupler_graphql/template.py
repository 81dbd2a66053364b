"""The element template of the GraphQL connector as a whole; what it says of each field stands in the model."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from coupler.sdk.template import Group, TemplateInfo

TEMPLATE: Final = TemplateInfo(
    id="io.coupler.connectors.graphql",
    version=2,  # 1: without reusable credentials, for clusters before 8.10
    engines="^8.10",
    name="GraphQL call",
    description="Sends a query or a mutation to a GraphQL endpoint",
    keywords=("graphql", "query", "mutation", "api"),
    icon=Path(__file__).with_name("icon.svg"),
    groups=(
        Group("authentication", "Authentication"),
        Group("endpoint", "HTTP endpoint"),
        Group("graphql", "GraphQL query"),
        Group("timeout", "Timeouts"),
    ),
    result_expression="={\n  myResponseData: response.body.data\n}",
)

__all__ = ["TEMPLATE"]
