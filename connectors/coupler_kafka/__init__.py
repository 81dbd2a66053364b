"""The Kafka producer connector: job type ``io.camunda:connector-kafka:1``."""

from __future__ import annotations

from coupler_kafka.connector import KafkaConnector

__all__ = ["KafkaConnector"]
