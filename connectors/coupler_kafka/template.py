"""The element template of the Kafka connector as a whole; what it says of each field stands in the model."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from coupler.sdk.template import Group, TemplateInfo

TEMPLATE: Final = TemplateInfo(
    id="io.coupler.connectors.kafka",
    version=1,
    name="Kafka record",
    description="Sends a record to a Kafka topic and waits until the brokers have it",
    keywords=("kafka", "producer", "event", "message", "stream"),
    icon=Path(__file__).with_name("icon.svg"),
    groups=(
        Group("authentication", "Authentication"),
        Group("kafka", "Kafka"),
        Group("schema", "Schema"),
        Group("message", "Record"),
    ),
    result_expression="={\n  recordOffset: offset\n}",
)

__all__ = ["TEMPLATE"]
