"""Benchmark of the Kafka connector."""
