"""The documents of the embedded engine: a folder beside its database, served beside its REST API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from coupler.documents.api import DocumentsApi, Receive, Scope, Send
from coupler.documents.files import FileDocumentStore
from coupler.errors import ConfigError


class EngineDocuments:
    """Serves a document store, and closes it in the end. The engine mounts it.

    The store is opened for the first request: a temporary folder that nothing was put into need not be cleared away
    after an engine that was killed.
    """

    def __init__(self, open_store: Callable[[], FileDocumentStore]) -> None:
        self._open_store = open_store
        self._store: FileDocumentStore | None = None
        self._api: DocumentsApi | None = None

    def serves(self, path: str) -> bool:
        """Whether a path is about documents."""
        return DocumentsApi.serves(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if self._api is None:
            self._store = self._open_store()
            self._api = DocumentsApi(self._store)
        await self._api(scope, receive, send)

    async def close(self) -> None:
        """Closes the store; a temporary one is gone then."""
        if self._store is not None:
            await self._store.close()


def engine_documents(database: Path | None) -> Callable[[], EngineDocuments]:
    """What makes the documents of an engine: with a database they stay, without one they live as long as it does.

    Calling it raises ``ConfigError`` when the folder cannot be used.
    """

    def make() -> EngineDocuments:
        if database is None:
            return EngineDocuments(FileDocumentStore.temporary)
        folder = database.with_name(f"{database.name}-documents")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"The engine's documents cannot be kept in {folder}: {error.strerror}.") from error
        return EngineDocuments(lambda: FileDocumentStore(folder))

    return make
