"""The connector: input to request, one call, response to result."""

from __future__ import annotations

from typing import Any

from coupler.sdk import Connector, JobContext
from coupler.sdk.authentication import authorization_of, query_parameter_of
from coupler.sdk.http import HttpRequest, TlsMaterial, TransportError
from coupler.sdk.http_call import build_url, result, status_error, structured_or_text, transport_failure
from coupler_rest import payload
from coupler_rest.model import INPUT_VARIABLES, Method, RestInput, timeouts

_WITH_BODY = frozenset({Method.POST, Method.PUT, Method.PATCH})


def _headers(call: RestInput) -> list[tuple[str, str]]:
    """Authentication first, then the model's headers, added to it and never replacing it."""
    authorization = authorization_of(call.credential)
    lines = [] if authorization is None else [authorization]
    for name, value in (call.headers or {}).items():
        if value is None and name == "Content-Type":
            continue
        lines.append((name, value or ""))
    return lines


def _content_type(lines: list[tuple[str, str]]) -> str | None:
    for name, value in lines:
        if len(name) == 12 and name.lower() == "content-type":
            return value
    return None


def build_request(call: RestInput) -> HttpRequest:
    """The request that an input asks for.

    Raises:
        InputError: the URL cannot be requested.
    """
    parameters: list[tuple[str, str | None]] = list((call.query_parameters or {}).items())
    key = query_parameter_of(call.credential)
    if key is not None:
        parameters.append(key)
    headers = _headers(call)
    body = None
    if call.method in _WITH_BODY and call.body is not None:
        content_type = _content_type(headers)
        if content_type is None:
            content_type = payload.JSON
            headers.append(("Content-Type", content_type))
        body = payload.encode_body(call.body, content_type, call.ignore_null_values)
    connect, read = timeouts(call.connection_timeout_in_seconds, call.read_timeout_in_seconds)
    tls = call.client_tls
    return HttpRequest(
        call.method.value,
        build_url(call.url, call.skip_encoding == "true", parameters),
        headers,
        body,
        connect,
        read,
        None,
        call.follow_redirects,
        None
        if tls is None
        else TlsMaterial(
            tls.client_certificate, tls.client_private_key, tls.private_key_password, tls.trusted_certificate
        ),
    )


class RestConnector(Connector[RestInput]):
    """Calls an HTTP endpoint."""

    type = "io.camunda:http-json:1"
    name = "HTTP REST"
    Input = RestInput
    input_variables = INPUT_VARIABLES

    async def execute(self, input: RestInput, context: JobContext) -> Any:  # noqa: A002 - the SDK's word
        """Makes the call; a status of 400 or more is an error."""
        try:
            response = await context.http_engine.send(build_request(input))
        except TransportError as error:
            raise transport_failure(error) from error
        body = structured_or_text(response.body)
        if response.status >= 400:
            raise status_error(response, body)
        return result(response, body)


__all__ = ["RestConnector", "build_request"]
