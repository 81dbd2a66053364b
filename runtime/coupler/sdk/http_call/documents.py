"""Documents in calls: sent as files, sent as Base64 text, and made of responses."""

from __future__ import annotations

from typing import Any, Final

from coupler.http.messages import StreamedResponse, TransportError
from coupler.sdk.context import JobContext
from coupler.sdk.documents import Document
from coupler.sdk.errors import ConnectorError, InputError

_MAY_HOLD: Final = frozenset({dict, list, Document})


def holds_documents(value: Any) -> bool:
    """Whether there is a document anywhere in a value."""
    kind = type(value)
    if kind is dict:
        value = value.values()
    elif kind is not list:
        return kind is Document
    return any(type(element) in _MAY_HOLD and holds_documents(element) for element in value)


async def with_base64(value: Any) -> Any:
    """The value with the Base64 text of its content in the place of every document."""
    if isinstance(value, dict):
        return {key: await with_base64(member) for key, member in value.items()}
    if isinstance(value, list):
        return [await with_base64(element) for element in value]
    return await value.base64() if isinstance(value, Document) else value


async def stored(response: StreamedResponse, context: JobContext) -> Document:
    """A document made of the response's body, which is passed on as it arrives.

    Raises:
        ConnectorError: the body broke off, or the store failed; the message says that the call itself was answered.
    """
    head = response.head
    try:
        return await context.create_document(response.pieces, content_type=head.header("content-type"))
    except TransportError as error:
        error.response = head
        raise
    except (InputError, ConnectorError) as error:
        raise ConnectorError(
            f"Error while executing an HTTP request: Failed to create document: {error} "
            f"(the call itself was answered with status {head.status})",
            code="500",
        ) from error


__all__ = ["holds_documents", "stored", "with_base64"]
