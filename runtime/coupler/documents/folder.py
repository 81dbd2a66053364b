"""Documents as files in a folder; blocking, no policy: ``files.FileDocumentStore`` runs it in threads.

Each document is two files, named by the SHA-256 of its id, so that no id can lead out of the folder: ``….bin``, the
content, and ``….json``, what is known of it. A document exists when its ``.json`` does.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from coupler import json

LEFTOVER_SECONDS: Final = 3600.0


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one stored document."""

    document_id: str
    content_hash: str
    size: int
    file_name: str
    content_type: str
    expires_at: float | None = None  # epoch seconds
    custom_properties: dict[str, Any] = {}
    process_definition_id: str | None = None
    process_instance_key: str | None = None


class Incoming:
    """A document on its way in: written beside the others under a name of its own until it is complete."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"incoming-{uuid.uuid4().hex}"
        self._file: IO[bytes] = self._path.open("xb")
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Adds a piece."""
        self._file.write(piece)
        self._hash.update(piece)
        self.size += len(piece)

    @property
    def content_hash(self) -> str:
        """SHA-256 of what was written, in hexadecimal."""
        return self._hash.hexdigest()

    def finish(self, target: Path) -> None:
        """Makes the content durable under its name."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.replace(target)

    def discard(self) -> None:
        """Forgets what was written. Idempotent."""
        self._file.close()
        self._path.unlink(missing_ok=True)


class Folder:
    """The files. Every method blocks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._adding = threading.Lock()
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._remove_leftovers()

    def incoming(self) -> Incoming:
        """A new document to write to."""
        return Incoming(self.path)

    def add(self, incoming: Incoming, entry: Entry) -> None:
        """Keeps a document.

        Raises:
            FileExistsError: its id is taken.
        """
        content, described = self._paths(entry.document_id)
        with self._adding:
            if described.exists():
                raise FileExistsError(entry.document_id)
            incoming.finish(content)
            self._write(described, json.dump_bytes(entry))

    def find(self, document_id: str) -> Entry | None:
        """What is known of a document."""
        try:
            return msgspec.convert(json.loads(self._paths(document_id)[1].read_bytes()), Entry)
        except FileNotFoundError:
            return None

    def open(self, document_id: str) -> IO[bytes]:
        """The content.

        Raises:
            FileNotFoundError: there is none.
        """
        return self._paths(document_id)[0].open("rb")

    def remove(self, document_id: str) -> bool:
        """Forgets a document; whether it was there. A reader that has it open reads on."""
        content, described = self._paths(document_id)
        there = described.exists()
        described.unlink(missing_ok=True)
        content.unlink(missing_ok=True)
        return there

    def entries(self) -> list[Entry]:
        """All documents."""
        found = []
        for path in self.path.glob("*.json"):
            with suppress(FileNotFoundError):
                found.append(msgspec.convert(json.loads(path.read_bytes()), Entry))
        return found

    def key(self) -> bytes:
        """The key that signs links; made once."""
        path = self.path / "links.key"
        if not path.exists():
            self._write(path, os.urandom(32))
        return path.read_bytes()

    def _remove_leftovers(self) -> None:
        """What crashes have left. Another process may be writing to the same folder: what is young is left alone."""
        for leftover in self.path.glob("incoming-*"):
            with suppress(FileNotFoundError):
                if time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS:
                    leftover.unlink()

    def _paths(self, document_id: str) -> tuple[Path, Path]:
        name = hashlib.sha256(document_id.encode("utf-8", "surrogatepass")).hexdigest()
        return self.path / f"{name}.bin", self.path / f"{name}.json"

    def _write(self, target: Path, content: bytes) -> None:
        part = self.path / f"incoming-{uuid.uuid4().hex}"
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)


__all__ = ["Entry", "Folder", "Incoming"]
