"""The store in a folder: what it keeps, what it refuses, and what is left after a crash."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from coupler.documents.content import read_all
from coupler.documents.files import FileDocumentStore
from coupler.documents.reference import CamundaReference
from coupler.documents.store import DocumentExists, DocumentNotFound, HashMismatch, NewDocument
from coupler.errors import InputError

MIB = 1024 * 1024


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FileDocumentStore]:
    opened = FileDocumentStore(tmp_path / "documents", link_base="http://here/links/")
    yield opened
    await opened.close()


async def content_of(store: FileDocumentStore, reference: CamundaReference) -> bytes:
    """The whole content."""
    async with store.open(reference) as content:
        return await read_all(content.pieces, 10 * MIB)


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    """A stream."""
    for part in parts:
        yield part


async def test_what_is_stored_can_be_read(store: FileDocumentStore) -> None:
    reference = await store.create(
        pieces(b"one", b"", b"two" * MIB), NewDocument(file_name="a.pdf", custom_properties={"k": [1]})
    )
    expected = b"one" + b"two" * MIB
    assert reference.content_hash == hashlib.sha256(expected).hexdigest()
    assert reference.metadata.size == len(expected)
    assert reference.metadata.content_type == "application/pdf"
    assert reference.metadata.custom_properties == {"k": [1]}
    assert await content_of(store, reference) == expected
    assert await store.find(reference.document_id) == reference


async def test_an_empty_document(store: FileDocumentStore) -> None:
    reference = await store.create(b"", NewDocument())
    assert reference.metadata.size == 0
    assert await content_of(store, reference) == b""


async def test_documents_survive_a_restart(tmp_path: Path) -> None:
    first = FileDocumentStore(tmp_path, link_base="http://here")
    reference = await first.create(b"kept", NewDocument())
    link = await first.link(reference)
    await first.close()
    second = FileDocumentStore(tmp_path)
    assert await content_of(second, reference) == b"kept"
    assert await second.open_link(link.url.rpartition("/")[2]) == reference
    await second.close()


async def test_an_upload_that_breaks_leaves_nothing(store: FileDocumentStore, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * MIB
        raise OSError("cut")

    with pytest.raises(OSError, match="cut"):
        await store.create(broken(), NewDocument())
    assert list((tmp_path / "documents").iterdir()) == []


async def test_a_cancelled_upload_leaves_nothing(store: FileDocumentStore, tmp_path: Path) -> None:
    async def stalled() -> AsyncIterator[bytes]:
        yield b"x" * MIB
        await asyncio.Event().wait()

    task = asyncio.create_task(store.create(stalled(), NewDocument()))
    async with asyncio.timeout(20):
        while not list((tmp_path / "documents").glob("incoming-*")):
            await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list((tmp_path / "documents").iterdir()) == []


async def test_what_a_crash_left_is_removed_at_the_start(tmp_path: Path) -> None:
    old, young = tmp_path / "incoming-0123", tmp_path / "incoming-4567"
    old.write_bytes(b"half")
    young.write_bytes(b"another process writes this now")
    os.utime(old, (1_000_000_000, 1_000_000_000))
    store = FileDocumentStore(tmp_path)
    assert list(tmp_path.iterdir()) == [young]
    # Content without its description is a crash between the two: the id is free.
    name = hashlib.sha256(b"mine").hexdigest()
    (tmp_path / f"{name}.bin").write_bytes(b"half")
    with pytest.raises(DocumentNotFound):
        await store.find("mine")
    reference = await store.create(b"whole", NewDocument(), document_id="mine")
    assert await content_of(store, reference) == b"whole"
    await store.close()


async def test_an_id_is_taken_once(store: FileDocumentStore) -> None:
    results = await asyncio.gather(
        *(store.create(f"{number}".encode(), NewDocument(), document_id="mine") for number in range(8)),
        return_exceptions=True,
    )
    taken = [result for result in results if isinstance(result, CamundaReference)]
    assert len(taken) == 1
    assert all(isinstance(result, DocumentExists) for result in results if result is not taken[0])
    assert hashlib.sha256(await content_of(store, taken[0])).hexdigest() == taken[0].content_hash


@pytest.mark.parametrize(
    "document_id", ["../../evil", "/etc/passwd", "..", "a/b/c", "links.key", "x" * 1024, "%2e%2e/", "ü"]
)
async def test_no_id_leads_out_of_the_folder(store: FileDocumentStore, tmp_path: Path, document_id: str) -> None:
    reference = await store.create(b"x", NewDocument(), document_id=document_id)
    assert await content_of(store, reference) == b"x"
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} == {tmp_path / "documents"}
    await store.delete(reference)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("document_id", ["a\nb", "\x00", "x" * 1025])
async def test_ids_that_are_not_allowed(store: FileDocumentStore, document_id: str) -> None:
    with pytest.raises(InputError, match="A document id must be printable"):
        await store.create(b"x", NewDocument(), document_id=document_id)


async def test_another_hash_or_store_is_refused(store: FileDocumentStore) -> None:
    reference = await store.create(b"x", NewDocument(), document_id="mine")
    for call in (store.delete, store.link):
        with pytest.raises(HashMismatch):
            await call(CamundaReference("mine", "files", "0" * 64))
        with pytest.raises(DocumentNotFound):
            await call(CamundaReference("mine", "aws"))
    with pytest.raises(HashMismatch):
        await content_of(store, CamundaReference("mine", None, "0" * 64))
    assert await content_of(store, CamundaReference("mine", None, reference.content_hash)) == b"x"


async def test_a_deleted_document_is_gone(store: FileDocumentStore, tmp_path: Path) -> None:
    reference = await store.create(b"x", NewDocument())
    await store.delete(reference)
    with pytest.raises(DocumentNotFound, match=reference.document_id):
        await content_of(store, reference)
    with pytest.raises(DocumentNotFound):
        await store.delete(reference)
    assert list((tmp_path / "documents").iterdir()) == []


async def test_a_reader_goes_on_while_its_document_is_deleted(store: FileDocumentStore) -> None:
    reference = await store.create(b"x" * MIB, NewDocument())
    async with store.open(reference) as content:
        await store.delete(reference)
        assert len(await read_all(content.pieces, MIB)) == MIB


async def test_too_large_is_refused_while_it_arrives(tmp_path: Path) -> None:
    store = FileDocumentStore(tmp_path, max_bytes=MIB)
    with pytest.raises(InputError, match="1048576 bytes at most"):
        await store.create(pieces(*[b"x" * 65536] * 17), NewDocument())
    await store.create(pieces(*[b"x" * 65536] * 16), NewDocument())
    await store.close()


class Clock:
    """Time that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


async def test_expired_documents_are_gone_and_then_removed(tmp_path: Path) -> None:
    clock = Clock()
    store = FileDocumentStore(tmp_path, clock=clock)
    short = await store.create(b"short", NewDocument(expires_at="2001-09-09T01:47:40Z"))  # 60 s later
    long = await store.create(b"long", NewDocument(expires_at="2001-09-09T02:46:40Z"))
    for_ever = await store.create(b"ever", NewDocument())
    assert short.metadata.expires_at == "2001-09-09T01:47:40.000Z"
    clock.now += 61
    with pytest.raises(DocumentNotFound):
        await content_of(store, short)
    assert await content_of(store, long) == b"long"
    assert await store.remove_expired() == 1
    assert await store.remove_expired() == 0
    assert len(list(tmp_path.glob("*.bin"))) == 2
    clock.now += 3600
    await store.create(b"another", NewDocument())  # storing cleans up as well
    assert len(list(tmp_path.glob("*.bin"))) == 2
    assert await content_of(store, for_ever) == b"ever"
    await store.close()


@pytest.mark.parametrize("expires_at", ["1999-01-01T00:00:00Z", "tomorrow", ""])
async def test_an_expiry_that_is_past_or_none(store: FileDocumentStore, tmp_path: Path, expires_at: str) -> None:
    with pytest.raises(InputError, match=r"gone already|is not a date and time"):
        await store.create(b"x", NewDocument(expires_at=expires_at))
    assert list((tmp_path / "documents").iterdir()) == []


async def test_links_end_and_cannot_be_forged(tmp_path: Path) -> None:
    clock = Clock()
    store = FileDocumentStore(tmp_path, link_base="http://here/links/", clock=clock)
    reference = await store.create(b"x", NewDocument(), document_id="mine")
    link = await store.link(reference, 60)
    assert link.url.startswith("http://here/links/")
    assert link.expires_at == "2001-09-09T01:47:40.000Z"
    token = link.url.rpartition("/")[2]
    assert await store.open_link(token) == reference
    for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), "A" + token[1:], "", "x", "ü", token + "AAAA"):
        with pytest.raises(DocumentNotFound, match="not valid"):
            await store.open_link(forged)
    clock.now += 60
    with pytest.raises(DocumentNotFound, match="not valid any more"):
        await store.open_link(token)
    await store.close()


async def test_a_link_ends_with_its_document(tmp_path: Path) -> None:
    store = FileDocumentStore(tmp_path, link_base="http://here", clock=Clock())
    reference = await store.create(b"x", NewDocument(expires_at="2001-09-09T01:47:40Z"))
    assert (await store.link(reference, 3600)).expires_at == "2001-09-09T01:47:40.000Z"
    with pytest.raises(InputError, match="must be more than 0"):
        await store.link(reference, 0)
    await store.close()


async def test_without_an_address_there_are_no_links(tmp_path: Path) -> None:
    store = FileDocumentStore(tmp_path)
    reference = await store.create(b"x", NewDocument())
    with pytest.raises(InputError, match="makes no links"):
        await store.link(reference)
    store.link_from("http://here")
    assert (await store.link(reference)).url.startswith("http://here/")
    await store.close()


async def test_a_temporary_store_leaves_nothing() -> None:
    store = FileDocumentStore.temporary()
    await store.create(b"x", NewDocument())
    folder = store._temporary
    assert folder is not None
    assert folder.is_dir()
    await store.close()
    assert not folder.exists()
    await store.close()
