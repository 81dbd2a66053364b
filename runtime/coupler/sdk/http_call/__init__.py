"""What connectors that make HTTP calls in the name of a process model share: input, call, result and errors.

The REST and GraphQL connectors are built from it, and any connector with the same element template parts can be.
"""

from __future__ import annotations

from coupler.http.answers import header_map, structured_or_text
from coupler.http.encoding import append_parameters, build_url, encode_url
from coupler.http.failures import response_variables, status_error, transport_failure
from coupler.sdk.http_call.bodies import FORM, JSON, MULTIPART, encode_body, media_type
from coupler.sdk.http_call.caller import HttpCaller, HttpCallSettings
from coupler.sdk.http_call.connector import HttpCallConnector
from coupler.sdk.http_call.documents import with_base64
from coupler.sdk.http_call.input import CONNECTION_TIMEOUT, READ_TIMEOUT, HttpCallInput, Seconds, timeouts
from coupler.sdk.http_call.request import build_request

__all__ = [
    "CONNECTION_TIMEOUT",
    "FORM",
    "JSON",
    "MULTIPART",
    "READ_TIMEOUT",
    "HttpCallConnector",
    "HttpCallInput",
    "HttpCallSettings",
    "HttpCaller",
    "Seconds",
    "append_parameters",
    "build_request",
    "build_url",
    "encode_body",
    "encode_url",
    "header_map",
    "media_type",
    "response_variables",
    "status_error",
    "structured_or_text",
    "timeouts",
    "transport_failure",
    "with_base64",
]
