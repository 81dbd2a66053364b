"""The documents of the embedded engine: a folder beside its database, served beside its REST API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from coupler.documents.api import DocumentsApi, Receive, Scope, Send
from coupler.documents.files import FileDocumentStore
from coupler.errors import ConfigError


class EngineDocuments:
    """Serves a document store, and closes it in the end. The engine mounts it."""

    def __init__(self, store: FileDocumentStore) -> None:
        self._store = store
        self._api = DocumentsApi(store)

    def serves(self, path: str) -> bool:
        """Whether a path is about documents."""
        return self._api.serves(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        await self._api(scope, receive, send)

    async def close(self) -> None:
        """Closes the store; a temporary one is gone then."""
        await self._store.close()


def engine_documents(database: Path | None) -> Callable[[], EngineDocuments]:
    """What makes the documents of an engine: with a database they stay, without one they live as long as it does.

    Calling it raises ``ConfigError`` when the folder cannot be used.
    """

    def make() -> EngineDocuments:
        if database is None:
            return EngineDocuments(FileDocumentStore.temporary())
        folder = database.with_name(f"{database.name}-documents")
        try:
            return EngineDocuments(FileDocumentStore(folder))
        except OSError as error:
            raise ConfigError(f"The engine's documents cannot be kept in {folder}: {error.strerror}.") from error

    return make
