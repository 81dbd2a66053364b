"""What connectors that make HTTP calls in the name of a process model share."""

from __future__ import annotations

from coupler.http.answers import header_map, result, structured_or_text
from coupler.http.encoding import append_parameters, build_url, encode_url
from coupler.http.failures import response_variables, status_error, transport_failure

__all__ = [
    "append_parameters",
    "build_url",
    "encode_url",
    "header_map",
    "response_variables",
    "result",
    "status_error",
    "structured_or_text",
    "transport_failure",
]
