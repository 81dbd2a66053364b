"""The document store of an orchestration cluster, over its REST API v2."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NoReturn, TypeAlias
from urllib.parse import quote, urlencode

from coupler import json
from coupler.documents.config import DocumentsConfig
from coupler.documents.content import Content, read_all
from coupler.documents.external import transport_error
from coupler.documents.multipart import Upload, Watched
from coupler.documents.names import OCTET_STREAM, random_name
from coupler.documents.reference import CamundaReference, Metadata, check_document_id, parse_reference
from coupler.documents.store import DocumentLink, DocumentNotFound, HashMismatch, NewDocument, Source
from coupler.errors import ConnectorError, InputError
from coupler.http.messages import HttpEngine, HttpRequest, HttpResponse, TransportError, TransportFault

Authorize: TypeAlias = Callable[[], Awaitable[Sequence[tuple[str, str]]]]
"""Gives the headers that tell the cluster who we are, asked before every call."""

_BUSY: Final = frozenset({429, 502, 503, 504})
_ATTEMPTS: Final = 3
_FIRST_PAUSE_SECONDS: Final = 0.1
_MAX_ANSWER_BYTES: Final = 1024 * 1024


async def _nobody() -> Sequence[tuple[str, str]]:
    return ()


class ClusterDocuments:
    """Implements ``DocumentStore``.

    The cluster stands inside of the operator's network: give it an engine of its own, whose egress policy lets it pass.
    """

    name = "cluster"

    def __init__(
        self,
        rest_address: str,
        engine: HttpEngine,
        *,
        authorize: Authorize = _nobody,
        config: DocumentsConfig | None = None,
    ) -> None:
        self._base = rest_address.rstrip("/").removesuffix("/v2") + "/v2/documents"
        self._engine = engine
        self._authorize = authorize
        self._config = config or DocumentsConfig()

    async def create(self, content: Source, new: NewDocument) -> CamundaReference:
        """Uploads; content in memory up to three times while the cluster is busy, a stream once."""
        upload = Upload(
            json.dump_bytes(_new_metadata(new)), new.file_name or random_name(), new.content_type or OCTET_STREAM
        )
        headers = [("Content-Type", upload.content_type)]
        if isinstance(content, bytes):
            body = upload.whole(content)
            answer = await self._call("POST", self._base, headers, body, what="stored", repeatable=True)
        else:
            watched = Watched(content)
            pieces = upload.streamed(watched)
            try:
                answer = await self._call("POST", self._base, headers, pieces, what="stored", repeatable=False)
            except ConnectorError as error:
                if watched.failure is not None:
                    raise watched.failure from error
                raise
        try:
            reference = parse_reference(json.loads(answer.body))
        except (json.Malformed, InputError, AttributeError) as error:
            raise ConnectorError("The document store answered with something that is no document reference.") from error
        if not isinstance(reference, CamundaReference):
            raise ConnectorError("The document store answered with a reference of another kind.")
        return reference

    @asynccontextmanager
    async def open(self, reference: CamundaReference) -> AsyncIterator[Content]:
        """Downloads; the cluster checks the content against the reference's hash."""
        request = await self._request("GET", self._url(reference), [("Accept", "*/*")], None)
        request.max_body_bytes = self._config.max_stream_bytes
        try:
            async with self._engine.stream(request) as response:
                head = response.head
                if head.status != 200:
                    head.body = await read_all(response.pieces, _MAX_ANSWER_BYTES)
                    _refuse(head, "read", reference)
                yield Content(_described(reference.metadata, head), response.pieces)
        except TransportError as error:
            raise transport_error(f"The document {reference.document_id} could not be read", error) from error

    async def delete(self, reference: CamundaReference) -> None:
        """Deletes."""
        url = self._url(reference, with_hash=False)
        await self._call("DELETE", url, [], None, what="deleted", repeatable=True, reference=reference)

    async def link(self, reference: CamundaReference, ttl_seconds: float | None = None) -> DocumentLink:
        """Asks the cluster for a link; not every store behind it can make one."""
        wish = {} if ttl_seconds is None else {"timeToLive": max(int(ttl_seconds * 1000), 1)}
        answer = await self._call(
            "POST",
            self._url(reference, "/links"),
            [("Content-Type", "application/json")],
            json.dump_bytes(wish),
            what="linked",
            repeatable=True,
            reference=reference,
        )
        try:
            link = json.loads(answer.body)
            return DocumentLink(str(link["url"]), link.get("expiresAt"))
        except (json.Malformed, KeyError, TypeError, AttributeError) as error:
            raise ConnectorError("The document store answered with something else than a link.") from error

    async def close(self) -> None:
        """Nothing: the engine belongs to others."""

    def _url(self, reference: CamundaReference, tail: str = "", *, with_hash: bool = True) -> str:
        check_document_id(reference.document_id)
        query = {}
        if reference.store_id is not None:
            query["storeId"] = reference.store_id
        if reference.content_hash is not None and with_hash:
            query["contentHash"] = reference.content_hash
        url = f"{self._base}/{quote(reference.document_id, safe='')}{tail}"
        return f"{url}?{urlencode(query)}" if query else url

    async def _request(
        self, method: str, url: str, headers: list[tuple[str, str]], body: bytes | AsyncIterator[bytes] | None
    ) -> HttpRequest:
        return HttpRequest(method, url, [*await self._authorize(), *headers], body)

    async def _call(
        self,
        method: str,
        url: str,
        headers: list[tuple[str, str]],
        body: bytes | AsyncIterator[bytes] | None,
        *,
        what: str,
        repeatable: bool,
        reference: CamundaReference | None = None,
    ) -> HttpResponse:
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS or not repeatable
            try:
                request = await self._request(method, url, headers, body)
                request.max_body_bytes = _MAX_ANSWER_BYTES
                answer = await self._engine.send(request)
            except TransportError as error:
                if last or error.fault is not TransportFault.CONNECT:
                    raise transport_error(f"The document could not be {what}", error) from error
            else:
                if 200 <= answer.status < 300:
                    return answer
                if last or answer.status not in _BUSY:
                    _refuse(answer, what, reference)
            await asyncio.sleep(_FIRST_PAUSE_SECONDS * 2**attempt)
        raise AssertionError("the last attempt returns or raises")


def _new_metadata(new: NewDocument) -> dict[str, Any]:
    metadata = Metadata(
        content_type=new.content_type,
        file_name=new.file_name,
        expires_at=new.expires_at,
        process_definition_id=new.process_definition_id,
        process_instance_key=new.process_instance_key,
        custom_properties=new.custom_properties,
    )
    return metadata.to_json()


def _described(metadata: Metadata, head: HttpResponse) -> Metadata:
    """What a bare reference does not say, the answer may."""
    if metadata.content_type is not None:
        return metadata
    return Metadata(
        content_type=head.header("Content-Type"),
        file_name=metadata.file_name,
        size=metadata.size,
        expires_at=metadata.expires_at,
        process_definition_id=metadata.process_definition_id,
        process_instance_key=metadata.process_instance_key,
        custom_properties=metadata.custom_properties,
    )


def _detail(answer: HttpResponse) -> str:
    """The reason in a problem answer (RFC 9457), else the status line's."""
    try:
        problem = json.loads(answer.body)
    except json.Malformed:
        problem = None
    detail = problem.get("detail") or problem.get("title") if isinstance(problem, dict) else None
    return str(detail)[:500] if detail else f"{answer.status} {answer.reason or ''}".strip()


def _refuse(answer: HttpResponse, what: str, reference: CamundaReference | None) -> NoReturn:
    detail = _detail(answer)
    name = "The document" if reference is None else f"The document {reference.document_id}"
    if answer.status == 404 and reference is not None:
        where = "" if reference.store_id is None else f" in the store {reference.store_id}"
        raise DocumentNotFound(f"{name} is not there{where}: it was deleted, or it has expired. ({detail})")
    if answer.status == 400 and "hash" in detail.lower():
        raise HashMismatch(f"{name} is not the one that was referred to: {detail}")
    message = f"{name} could not be {what}: the document store says: {detail}"
    if answer.status in (400, 405, 409, 413, 415, 422):
        raise InputError(message)
    raise ConnectorError(message, code=str(answer.status))


__all__ = ["Authorize", "ClusterDocuments"]
