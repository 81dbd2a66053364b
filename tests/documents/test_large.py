"""Large documents: passed on piece by piece, never held as a whole."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from coupler.documents.api import DocumentsApi
from coupler.documents.cluster import ClusterDocuments
from coupler.documents.content import ContentTooLarge
from coupler.documents.document import Document
from coupler.documents.files import FileDocumentStore
from coupler.documents.service import Documents
from tests.documents.kit import http_engine, serving

MIB = 1024 * 1024
SIZE = 100 * MIB
PIECE = bytes(range(256)) * 4096  # 1 MiB
ALLOWED = 40 * MIB  # client, server and their buffers are one process here


def resident_bytes() -> int:
    """What the process holds in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


class Peak:
    """Watches the memory of the process while something runs."""

    def __init__(self) -> None:
        gc.collect()
        self._before = self._highest = resident_bytes()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._done.wait(0.01):
            self._highest = max(self._highest, resident_bytes())

    @property
    def growth(self) -> int:
        """By how much it has grown at most."""
        return max(self._highest, resident_bytes()) - self._before

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


async def large() -> AsyncIterator[bytes]:
    """100 MiB that exist one piece at a time."""
    for _ in range(SIZE // MIB):
        yield PIECE


@asynccontextmanager
async def stored() -> AsyncIterator[tuple[Documents, Document]]:
    """A stored document of 100 MiB, and the documents service it was stored with."""
    store = FileDocumentStore.temporary()
    try:
        async with serving(DocumentsApi(store)) as address, http_engine() as engine:
            documents = Documents(ClusterDocuments(address, engine), engine)
            yield documents, await documents.create(large(), file_name="large.bin")
    finally:
        await store.close()


@pytest.fixture
def expected() -> str:
    """The hash of the content."""
    digest = hashlib.sha256()
    for _ in range(SIZE // MIB):
        digest.update(PIECE)
    return digest.hexdigest()


async def test_streams_to_and_from_a_store_are_not_held(expected: str) -> None:
    with Peak() as peak:
        async with stored() as (documents, document):
            assert document.reference()["contentHash"] == expected
            digest = hashlib.sha256()
            async for piece in document.stream():
                digest.update(piece)
            assert digest.hexdigest() == expected
            # From one stream to another, as a connector does that copies a document.
            copy = await documents.create(document.stream(), file_name="copy.bin")
            assert copy.reference()["contentHash"] == expected
    assert peak.growth < ALLOWED, f"grew by {peak.growth / MIB:.0f} MiB"


async def test_files_for_blocking_libraries_are_not_held(expected: str) -> None:
    def digest_of(document: Document) -> str:
        with document.file() as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    async with stored() as (_, document):
        with Peak() as peak:
            assert await asyncio.to_thread(digest_of, document) == expected
    assert peak.growth < ALLOWED, f"grew by {peak.growth / MIB:.0f} MiB"


async def test_reading_it_as_a_whole_is_refused_early() -> None:
    async with stored() as (_, document):
        with Peak() as peak, pytest.raises(ContentTooLarge, match="larger than the 1048576 bytes"):
            await document.read(max_bytes=MIB)
    assert peak.growth < ALLOWED
