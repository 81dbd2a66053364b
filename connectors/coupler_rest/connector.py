"""The connector: input to request, one call, response to result."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Any, Final

from coupler.sdk import Connector, JobContext, Resources
from coupler.sdk.authentication import authorization_of, query_parameter_of
from coupler.sdk.http import HttpRequest, TlsMaterial
from coupler.sdk.http_call import JSON, HttpCaller, HttpCallSettings, build_url, encode_body, timeouts
from coupler_rest.model import INPUT_VARIABLES, Method, RestInput

_WITH_BODY: Final = frozenset({Method.POST, Method.PUT, Method.PATCH})


def _headers(call: RestInput) -> list[tuple[str, str]]:
    """Authentication first, then the model's headers, added to it and never replacing it."""
    authorization = authorization_of(call.credential)
    lines = [] if authorization is None else [authorization]
    for name, value in (call.headers or {}).items():
        if value is None and name == "Content-Type":
            continue
        lines.append((name, value or ""))
    return lines


def _content_type_at(lines: list[tuple[str, str]]) -> int | None:
    for index, (name, _) in enumerate(lines):
        if len(name) == 12 and name.lower() == "content-type":
            return index
    return None


async def _body(call: RestInput, headers: list[tuple[str, str]]) -> bytes | AsyncIterable[bytes] | None:
    """Encodes the body and completes the content type in ``headers``."""
    if call.body is None or call.method not in _WITH_BODY:
        return None
    index = _content_type_at(headers)
    given = JSON if index is None else headers[index][1]
    body, content_type = await encode_body(call.body, given, call.ignore_null_values)
    if index is None:
        headers.append(("Content-Type", content_type))
    elif content_type is not given:
        headers[index] = headers[index][0], content_type
    return body


def _tls(call: RestInput) -> TlsMaterial | None:
    tls = call.client_tls
    if tls is None:
        return None
    return TlsMaterial(
        tls.client_certificate, tls.client_private_key, tls.private_key_password, tls.trusted_certificate
    )


async def build_request(call: RestInput) -> HttpRequest:
    """The request that an input asks for, without what needs a token.

    Raises:
        InputError: the URL cannot be requested.
    """
    parameters: list[tuple[str, str | None]] = list((call.query_parameters or {}).items())
    key = query_parameter_of(call.credential)
    if key is not None:
        parameters.append(key)
    headers = _headers(call)
    body = await _body(call, headers)
    connect, read = timeouts(call.connection_timeout_in_seconds, call.read_timeout_in_seconds)
    return HttpRequest(
        call.method.value,
        build_url(call.url, call.skip_encoding == "true", parameters),
        headers,
        body,
        connect_timeout_seconds=connect,
        read_timeout_seconds=read,
        follow_redirects=call.follow_redirects,
        tls=_tls(call),
    )


class RestConnector(Connector[RestInput]):
    """Calls an HTTP endpoint."""

    type = "io.camunda:http-json:1"
    name = "HTTP REST"
    Input = RestInput
    Settings = HttpCallSettings  # type: ignore[assignment, unused-ignore]
    input_variables = INPUT_VARIABLES
    response_is_json = True

    def __init__(self) -> None:
        self._caller = HttpCaller()

    async def open(self, resources: Resources) -> None:
        """Takes the settings of the deployment."""
        self._caller = HttpCaller(self.settings)

    async def close(self) -> None:
        """Ends token requests that are under way."""
        await self._caller.close()

    async def execute(self, input: RestInput, context: JobContext) -> Any:  # noqa: A002 - the SDK's word
        """Makes the call; a status of 400 or more is an error."""
        request = await build_request(input)
        return await self._caller.call(
            request, input.credential, context, input.document_return_format, store=input.store_response
        )


__all__ = ["RestConnector", "build_request"]
