"""A document store in a folder: beside the database of the embedded engine, or on a shared disk."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from coupler.documents.content import PIECE_BYTES, Content, ContentTooLarge, in_pieces
from coupler.documents.folder import Entry, Folder, Incoming
from coupler.documents.moments import moment_after, moment_of, moment_text
from coupler.documents.names import content_type_of, random_name
from coupler.documents.reference import CamundaReference, Metadata
from coupler.documents.store import (
    DocumentExists,
    DocumentLink,
    DocumentNotFound,
    HashMismatch,
    NewDocument,
    Source,
)
from coupler.documents.tokens import sign, verified
from coupler.errors import InputError

STORE_ID: Final = "files"
DEFAULT_LINK_SECONDS: Final = 3600.0
DEFAULT_MAX_BYTES: Final = 5 * 1024 * 1024 * 1024
_MAX_ID_LENGTH: Final = 1024
_THREADS: Final = 4

T = TypeVar("T")


class FileDocumentStore:
    """Implements ``DocumentStore``, and what a server of the documents API needs besides.

    A stored document never changes: its content hash is the SHA-256 of its content in hexadecimal. Expired documents
    are gone for readers at once, and from the disk when ``remove_expired`` is called, or another document is stored.
    """

    name = STORE_ID

    def __init__(
        self,
        folder: Path,
        *,
        link_base: str = "",
        max_bytes: int = DEFAULT_MAX_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Opens (or makes) the folder.

        Args:
            folder: where the files go; nothing else may be in it.
            link_base: what links begin with: the address where ``open_link`` is served; without it there are no links.
            max_bytes: the largest document.
            clock: seconds since the epoch.
        """
        self._folder = Folder(folder)
        self._link_base = link_base
        self._max_bytes = max_bytes
        self._clock = clock
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="documents")
        self._temporary: Path | None = None
        self._next_expiry: float | None = 0.0

    @classmethod
    def temporary(cls, **options: Any) -> FileDocumentStore:
        """A store in a temporary folder, which is removed when the store is closed."""
        folder = Path(tempfile.mkdtemp(prefix="coupler-documents-"))
        store = cls(folder, **options)
        store._temporary = folder
        return store

    def link_from(self, base: str) -> None:
        """Says what links begin with, for a server whose port was not known before."""
        self._link_base = base

    async def create(
        self,
        content: Source,
        new: NewDocument | Callable[[], NewDocument],
        *,
        document_id: str | None = None,
    ) -> CamundaReference:
        """Stores content as it comes.

        Args:
            content: what to store.
            new: what is said about it; a function is asked after the content has come.
            document_id: default: a random one.

        Raises:
            DocumentExists: the id is taken.
            ContentTooLarge: the content is larger than the store allows.
            InputError: the id or the expiry is not allowed.
        """
        document_id = _checked_id(document_id or str(uuid.uuid4()))
        await self.remove_expired()
        incoming = await self._blocking(self._folder.incoming)
        try:
            await self._receive(incoming, content)
            entry = self._described(document_id, incoming, new() if callable(new) else new)
            await self._blocking(self._folder.add, incoming, entry)
        except FileExistsError as error:
            raise DocumentExists(f"A document with the id {document_id} is already there.") from error
        finally:
            await self._blocking(incoming.discard)
        if entry.expires_at is not None:
            self._next_expiry = min(entry.expires_at, self._next_expiry or entry.expires_at)
        return _reference(entry)

    async def find(self, document_id: str, content_hash: str | None = None) -> CamundaReference:
        """The complete reference of a document.

        Raises:
            DocumentNotFound: it is not there, or has expired.
            HashMismatch: ``content_hash`` is given and is another one.
        """
        return _reference(await self._entry(CamundaReference(document_id, None, content_hash)))

    @asynccontextmanager
    async def open(self, reference: CamundaReference) -> AsyncIterator[Content]:
        """Opens a document for reading."""
        entry = await self._entry(reference)
        try:
            file = await self._blocking(self._folder.open, entry.document_id)
        except FileNotFoundError as error:
            raise _not_found(entry.document_id) from error
        try:
            yield Content(_reference(entry).metadata, self._pieces(file))
        finally:
            file.close()

    async def delete(self, reference: CamundaReference) -> None:
        """Deletes a document."""
        await self._entry(reference)
        await self._blocking(self._folder.remove, reference.document_id)

    async def link(self, reference: CamundaReference, ttl_seconds: float | None = None) -> DocumentLink:
        """A link that needs no credentials; by default for an hour.

        Raises:
            InputError: nothing serves the links of this store.
        """
        if not self._link_base:
            raise InputError("This document store makes no links: nothing serves them.")
        token, expires_at = await self.signed(reference, ttl_seconds)
        return DocumentLink(f"{self._link_base.rstrip('/')}/{token}", expires_at)

    async def signed(self, reference: CamundaReference, ttl_seconds: float | None = None) -> tuple[str, str]:
        """The last part of a link, and when it ends: never after its document."""
        entry = await self._entry(reference)
        expires_at = moment_after(self._clock(), DEFAULT_LINK_SECONDS if ttl_seconds is None else ttl_seconds)
        if entry.expires_at is not None:
            expires_at = min(expires_at, entry.expires_at)
        token = sign(await self._blocking(self._folder.key), entry.document_id, expires_at)
        return token, moment_text(expires_at)

    async def open_link(self, token: str) -> CamundaReference:
        """The document behind the last part of a link.

        Raises:
            DocumentNotFound: the link is forged or has expired, or its document is gone.
        """
        document_id = verified(await self._blocking(self._folder.key), token, self._clock())
        if document_id is None:
            raise DocumentNotFound("This link is not valid, or not valid any more.")
        return await self.find(document_id)

    async def remove_expired(self) -> int:
        """Removes expired documents from the disk; how many there were."""
        now = self._clock()
        if self._next_expiry is None or now < self._next_expiry:
            return 0
        entries = await self._blocking(self._folder.entries)
        moments = [(entry.expires_at, entry.document_id) for entry in entries if entry.expires_at is not None]
        expired = [document_id for moment, document_id in moments if moment <= now]
        for document_id in expired:
            await self._blocking(self._folder.remove, document_id)
        self._next_expiry = min((moment for moment, _ in moments if moment > now), default=None)
        return len(expired)

    async def close(self) -> None:
        """Ends the threads, and removes the folder if it was a temporary one. Idempotent."""
        self._threads.shutdown(wait=True)
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    async def _receive(self, incoming: Incoming, content: Source) -> None:
        waiting = bytearray()
        async for piece in in_pieces(content) if isinstance(content, bytes) else content:
            waiting += piece
            if incoming.size + len(waiting) > self._max_bytes:
                raise ContentTooLarge(f"A document may be {self._max_bytes} bytes at most.")
            if len(waiting) >= PIECE_BYTES:
                await self._blocking(incoming.write, bytes(waiting))
                waiting.clear()
        if waiting:
            await self._blocking(incoming.write, bytes(waiting))

    async def _pieces(self, file: IO[bytes]) -> AsyncIterator[bytes]:
        while piece := await self._blocking(file.read, PIECE_BYTES):
            yield piece

    async def _entry(self, reference: CamundaReference) -> Entry:
        entry = None
        if reference.store_id in (None, self.name):
            entry = await self._blocking(self._folder.find, reference.document_id)
        if entry is None or (entry.expires_at is not None and entry.expires_at <= self._clock()):
            raise _not_found(reference.document_id)
        if reference.content_hash is not None and reference.content_hash != entry.content_hash:
            raise HashMismatch(f"The content hash of the document {reference.document_id} is another one.")
        return entry

    def _described(self, document_id: str, incoming: Incoming, new: NewDocument) -> Entry:
        expires_at = None if new.expires_at is None else moment_of(new.expires_at)
        if expires_at is not None and expires_at <= self._clock():
            raise InputError(f"A document that expires at {new.expires_at} would be gone already.")
        return Entry(
            document_id=document_id,
            content_hash=incoming.content_hash,
            size=incoming.size,
            file_name=new.file_name or random_name(),
            content_type=new.content_type or content_type_of(new.file_name),
            expires_at=expires_at,
            custom_properties=dict(new.custom_properties),
            process_definition_id=new.process_definition_id,
            process_instance_key=new.process_instance_key,
        )

    async def _blocking(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)


def _checked_id(document_id: str) -> str:
    if len(document_id) > _MAX_ID_LENGTH or not document_id.isprintable():
        raise InputError(f"A document id must be printable, and {_MAX_ID_LENGTH} characters at most.")
    return document_id


def _not_found(document_id: str) -> DocumentNotFound:
    return DocumentNotFound(f"There is no document with the id {document_id}: it was deleted, or it has expired.")


def _reference(entry: Entry) -> CamundaReference:
    return CamundaReference(
        entry.document_id,
        STORE_ID,
        entry.content_hash,
        Metadata(
            content_type=entry.content_type,
            file_name=entry.file_name,
            size=entry.size,
            expires_at=None if entry.expires_at is None else moment_text(entry.expires_at),
            process_definition_id=entry.process_definition_id,
            process_instance_key=entry.process_instance_key,
            custom_properties=entry.custom_properties,
        ),
    )


__all__ = ["STORE_ID", "FileDocumentStore"]
