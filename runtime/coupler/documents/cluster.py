"""The document store of an orchestration cluster, over its REST API v2."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, NoReturn
from urllib.parse import quote, urlencode

from coupler import json
from coupler.documents.config import DocumentsConfig
from coupler.documents.content import Content, read_all
from coupler.documents.multipart import Upload, Watched
from coupler.documents.names import OCTET_STREAM, random_name
from coupler.documents.reference import CamundaReference, Metadata, check_document_id, parse_reference
from coupler.documents.rest import DocumentsRest
from coupler.documents.store import DocumentLink, DocumentNotFound, HashMismatch, NewDocument, Source
from coupler.errors import ConnectorError, InputError
from coupler.gateway.auth import Authorization
from coupler.http.messages import HttpEngine, HttpRequest, HttpResponse, TlsMaterial

_MAX_ANSWER_BYTES: Final = 1024 * 1024


class ClusterDocuments:
    """Implements ``DocumentStore``.

    The cluster stands inside of the operator's network: give it an engine whose egress policy lets it pass.
    """

    name = "cluster"

    def __init__(
        self,
        rest_address: str,
        engine: HttpEngine,
        *,
        authorization: Authorization | None = None,
        tls: TlsMaterial | None = None,
        config: DocumentsConfig | None = None,
    ) -> None:
        """Connects to nothing yet.

        Args:
            rest_address: with or without ``/v2`` at the end.
            engine: sends the requests.
            authorization: who we are.
            tls: certificates, where the system's authorities are not enough.
            config: limits.
        """
        self._base = rest_address.rstrip("/").removesuffix("/v2") + "/v2/documents"
        self._rest = DocumentsRest(engine, authorization)
        self._tls = tls
        self._config = config or DocumentsConfig()

    async def create(self, content: Source, new: NewDocument) -> CamundaReference:
        """Uploads; content in memory up to three times while the cluster is busy, a stream once."""
        upload = Upload(
            json.dump_bytes(_new_metadata(new)), new.file_name or random_name(), new.content_type or OCTET_STREAM
        )
        request = self._request("POST", self._base, ("Content-Type", upload.content_type))
        if isinstance(content, bytes):
            request.body = upload.whole(content)
            answer = await self._call(request, "stored")
        else:
            watched = Watched(content)
            request.body = upload.streamed(watched)
            try:
                answer = await self._call(request, "stored")
            except (InputError, ConnectorError) as error:
                if watched.failure is not None:
                    raise watched.failure from error
                raise
        return _created(answer)

    @asynccontextmanager
    async def open(self, reference: CamundaReference) -> AsyncIterator[Content]:
        """Downloads; the cluster checks the content against the reference's hash."""
        request = self._request("GET", self._url(reference), ("Accept", "*/*"))
        request.max_body_bytes = self._config.max_stream_bytes
        async with self._rest.download(request, _failed("read", reference)) as response:
            head = response.head
            if head.status != 200:
                head.body = await read_all(response.pieces, _MAX_ANSWER_BYTES)
                _refuse(head, "read", reference)
            yield Content(_described(reference.metadata, head), response.pieces)

    async def delete(self, reference: CamundaReference) -> None:
        """Deletes."""
        await self._call(self._request("DELETE", self._url(reference, with_hash=False)), "deleted", reference)

    async def link(self, reference: CamundaReference, ttl_seconds: float | None = None) -> DocumentLink:
        """Asks the cluster for a link; not every store behind it can make one."""
        request = self._request("POST", self._url(reference, "/links"), ("Content-Type", "application/json"))
        request.body = json.dump_bytes({} if ttl_seconds is None else {"timeToLive": max(int(ttl_seconds * 1000), 1)})
        answer = await self._call(request, "linked", reference)
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

    def _request(self, method: str, url: str, *headers: tuple[str, str]) -> HttpRequest:
        return HttpRequest(method, url, list(headers), max_body_bytes=_MAX_ANSWER_BYTES, tls=self._tls)

    async def _call(self, request: HttpRequest, what: str, reference: CamundaReference | None = None) -> HttpResponse:
        answer = await self._rest.send(request, _failed(what, reference))
        if not 200 <= answer.status < 300:
            _refuse(answer, what, reference)
        return answer


def _created(answer: HttpResponse) -> CamundaReference:
    try:
        reference = parse_reference(json.loads(answer.body))
    except (json.Malformed, InputError, AttributeError) as error:
        raise ConnectorError("The document store answered with something that is no document reference.") from error
    if not isinstance(reference, CamundaReference):
        raise ConnectorError("The document store answered with a reference of another kind.")
    return reference


def _failed(what: str, reference: CamundaReference | None) -> str:
    name = "The document" if reference is None else f"The document {reference.document_id}"
    return f"{name} could not be {what}"


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
    return replace(metadata, content_type=head.header("Content-Type"))


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
    message = f"{_failed(what, reference)}: the document store says: {detail}"
    if answer.status in (400, 405, 409, 413, 415, 422):
        raise InputError(message)
    raise ConnectorError(message, code=str(answer.status))


__all__ = ["ClusterDocuments"]
