"""The connector: input to request, one call, response to result."""

from __future__ import annotations

from typing import Any, Final

from coupler.sdk import JobContext
from coupler.sdk.http import HttpRequest, TlsMaterial
from coupler.sdk.http_call import HttpCallConnector, build_request
from coupler_rest.model import INPUT_VARIABLES, Method, RestInput
from coupler_rest.template import TEMPLATE

_WITH_BODY: Final = frozenset({Method.POST, Method.PUT, Method.PATCH})


def _tls(call: RestInput) -> TlsMaterial | None:
    tls = call.client_tls
    if tls is None:
        return None
    return TlsMaterial(
        tls.client_certificate, tls.client_private_key, tls.private_key_password, tls.trusted_certificate
    )


async def rest_request(call: RestInput) -> HttpRequest:
    """The request that an input asks for, without what needs a token.

    Raises:
        InputError: the URL cannot be requested, or a document in the body cannot be used.
    """
    return await build_request(
        call.method.value,
        call.url,
        call.credential,
        headers=call.headers,
        parameters=call.query_parameters,
        body=call.body if call.method in _WITH_BODY else None,
        ignore_null_values=call.ignore_null_values,
        skip_encoding=call.skip_encoding == "true",
        connection_timeout_in_seconds=call.connection_timeout_in_seconds,
        read_timeout_in_seconds=call.read_timeout_in_seconds,
        follow_redirects=call.follow_redirects,
        tls=_tls(call),
    )


class RestConnector(HttpCallConnector[RestInput]):
    """Calls an HTTP endpoint."""

    type = "io.camunda:http-json:1"
    name = "HTTP REST"
    Input = RestInput
    input_variables = INPUT_VARIABLES
    template = TEMPLATE

    async def execute(self, input: RestInput, context: JobContext) -> Any:  # noqa: A002 - the SDK's word
        """Makes the call; a status of 400 or more is an error."""
        request = await rest_request(input)
        return await self.caller.call(
            request, input.credential, context, input.document_return_format, store=input.store_response
        )


__all__ = ["RestConnector", "rest_request"]
