"""The job that is measured: a REST call as process models make it, with a JSON body and a result expression."""

from __future__ import annotations

import json
import os

JOB_TYPE = "io.camunda:http-json:1"
PROCESS = "shipping"
ELEMENT = "book-parcel"

TARGET = os.environ.get("BENCH_TARGET", "http://127.0.0.1:9090")

VARIABLES = json.dumps(
    {
        "method": "POST",
        "url": f"{TARGET}/parcels",
        "authentication": {"type": "noAuth"},
        "headers": {"X-Trace": "bench-1", "Accept": "application/json"},
        "queryParameters": {"carrier": "road"},
        "body": {"parcelId": "P-7", "weight": 2.75, "lines": [{"article": "a-1", "count": 3}]},
        "connectionTimeoutInSeconds": 20,
        "readTimeoutInSeconds": 20,
    }
)

HEADERS = json.dumps(
    {"resultExpression": "={label: response.body.label, state: response.body.state, http: response.status}"}
)

ANSWER = b'{"label":"L-0007","state":"booked","events":[{"at":"2024-01-01T00:00:00Z","what":"booked"}]}'

EXPECTED = {"label": "L-0007", "state": "booked", "http": 201}
