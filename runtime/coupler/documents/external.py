"""External documents: fetched through the HTTP engine, so that the egress policy applies to every hop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote

from coupler.documents.config import DocumentsConfig
from coupler.documents.content import Content
from coupler.documents.download import downloading
from coupler.documents.names import name_in_disposition, random_name
from coupler.documents.reference import ExternalReference, Metadata
from coupler.errors import ConnectorError
from coupler.http.messages import HttpEngine, HttpRequest, HttpResponse

# Everything that means something in a URL stays; spaces, umlauts and braces are encoded.
_MEANINGFUL: Final = "%!#$&'()*+,/:;=?@[]~"


def shown_url(url: str) -> str:
    """A URL for messages: what stands behind the question mark may be a credential."""
    return url.partition("?")[0][:200]


def encoded_url(url: str) -> str:
    """The URL as it is sent: a signed URL must not change, so only what may not stand in a URL is encoded."""
    scheme, separator, rest = url.strip().partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host}{slash}{quote(path.partition('#')[0], safe=_MEANINGFUL)}"


def _metadata(reference: ExternalReference, head: HttpResponse) -> Metadata:
    content_type = head.header("Content-Type")
    length = head.header("Content-Length")
    encoded = head.header("Content-Encoding") not in (None, "", "identity")
    known = length is not None and length.isascii() and length.isdigit() and not encoded
    name = reference.name or name_in_disposition(head.header("Content-Disposition")) or random_name(content_type)
    return Metadata(content_type=content_type, file_name=name, size=int(length) if known and length else None)


@asynccontextmanager
async def open_external(
    reference: ExternalReference, engine: HttpEngine, config: DocumentsConfig
) -> AsyncIterator[Content]:
    """Fetches a document, without any credentials.

    Raises:
        EgressDenied: a rule forbids the address.
        InputError: the URL cannot be requested.
        ConnectorError: no answer, or one that is not the document.
    """
    request = HttpRequest(
        "GET",
        encoded_url(reference.url),
        [("Accept", "*/*")],
        connect_timeout_seconds=config.connect_timeout_seconds,
        read_timeout_seconds=config.read_timeout_seconds,
        max_body_bytes=config.max_stream_bytes,
        follow_redirects=True,
    )
    what = f"The external document {shown_url(reference.url)} could not be fetched"
    async with downloading(engine, request, what) as response:
        head = response.head
        if not 200 <= head.status < 300:
            reason = f"{head.status} {head.reason or ''}".strip()
            raise ConnectorError(f"{what}: the server answered {reason}.", code=str(head.status))
        yield Content(_metadata(reference, head), response.pieces)


__all__ = ["encoded_url", "open_external", "shown_url"]
