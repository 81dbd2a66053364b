"""The benchmark's gateway with jobs for Kafka in the place of those for REST. Run by ``python -m bench.kafka``."""

from __future__ import annotations

import asyncio
import importlib
import json
import os

from bench import payload

TOPIC = "parcels"


def variables(servers: str) -> str:
    """A job as process models make it: a key, an object as the value, headers."""
    return json.dumps(
        {
            "authentication": {"username": "", "password": ""},
            "topic": {"bootstrapServers": servers, "topicName": TOPIC},
            "schemaStrategy": {"type": "noSchema"},
            "message": {
                "key": "P-7",
                "value": {"parcelId": "P-7", "weight": 2.75, "lines": [{"article": "a-1", "count": 3}]},
            },
            "headers": {"source": "bench"},
            "additionalProperties": {"compression.type": "none"},
        }
    )


def main() -> None:
    """Serves until standard input ends."""
    payload.JOB_TYPE = "io.camunda:connector-kafka:1"
    payload.VARIABLES = variables(os.environ["BENCH_KAFKA"])
    payload.HEADERS = json.dumps({"resultExpression": "={partition: partition, offset: offset}"})
    # Only now: its store takes the payload when it is imported.
    asyncio.run(importlib.import_module("bench.gateway").main())


if __name__ == "__main__":
    main()
