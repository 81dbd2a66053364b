"""Downloads through the HTTP engine; what goes wrong with one is told apart from what its reader does wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from coupler.errors import ConnectorError, InputError
from coupler.http.messages import HttpEngine, HttpRequest, StreamedResponse, TransportError, TransportFault


def transport_error(what: str, error: TransportError) -> InputError | ConnectorError:
    """The error for a document that could not be transferred."""
    if error.fault in (TransportFault.INVALID_URL, TransportFault.BODY_TOO_LARGE):
        return InputError(f"{what}: {error}")
    return ConnectorError(f"{what}: {error}")


@asynccontextmanager
async def downloading(engine: HttpEngine, request: HttpRequest, what: str) -> AsyncIterator[StreamedResponse]:
    """Sends a request and lends its response.

    Args:
        engine: sends it.
        request: the request.
        what: the beginning of the message of a failure.

    Raises:
        InputError: the request cannot be made, or the body is larger than the request allows.
        ConnectorError: no answer; also while the pieces are read.
    """
    async with AsyncExitStack() as stack:
        try:
            response = await stack.enter_async_context(engine.stream(request))
        except TransportError as error:
            raise transport_error(what, error) from error
        # Not around the yield: a reader that sends the content elsewhere has transport errors of its own.
        yield StreamedResponse(response.head, _translated(response.pieces, what))


async def _translated(pieces: AsyncIterator[bytes], what: str) -> AsyncIterator[bytes]:
    try:
        async for piece in pieces:
            yield piece
    except TransportError as error:
        raise transport_error(what, error) from error


__all__ = ["downloading", "transport_error"]
