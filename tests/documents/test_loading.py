"""Document stores of others, found by their entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest
from pydantic import BaseModel

from coupler.documents.cluster import ClusterDocuments
from coupler.documents.files import FileDocumentStore
from coupler.documents.loading import GROUP, load_store
from coupler.documents.store import DocumentStore
from coupler.errors import ConfigError
from tests.documents.test_binding import CountingStore


class Bucket(CountingStore):
    """A store with settings."""

    class Settings(BaseModel):
        """Its settings."""

        region: str

    def __init__(self, settings: Bucket.Settings) -> None:
        super().__init__()
        self.settings = settings


class Half:
    """A store that is none."""

    async def create(self, content: Any, new: Any) -> Any:
        """All it can do."""


class Odd(CountingStore):
    """A store whose settings are none."""

    Settings = 5


def plugins(**classes: type) -> list[EntryPoint]:
    """Entry points of this module's classes."""
    return [EntryPoint(name, f"{kind.__module__}:{kind.__name__}", GROUP) for name, kind in classes.items()]


FOUND = plugins(counting=CountingStore, bucket=Bucket, half=Half, odd=Odd)


def test_a_store_without_settings() -> None:
    assert isinstance(load_store("counting", {}, plugins=FOUND), CountingStore)


def test_a_store_with_settings() -> None:
    store = load_store("bucket", {"region": "eu"}, plugins=FOUND)
    assert isinstance(store, Bucket)
    assert store.settings.region == "eu"


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("bukket", {}, r"There is no document store 'bukket'\. Did you mean.*bucket.*Installed: bucket, counting"),
        ("bucket", {}, "COUPLER_DOCUMENTS__BUCKET__REGION"),
        ("bucket", {"regoin": "eu"}, "has no setting COUPLER_DOCUMENTS__BUCKET__REGOIN"),
        ("counting", {"region": "eu"}, "has no setting COUPLER_DOCUMENTS__COUNTING__REGION"),
        ("half", {}, "has no open, delete, link, close"),
        ("odd", {}, "Settings must be a pydantic model, not 5"),
    ],
)
def test_misuse_is_named(name: str, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load_store(name, settings, plugins=FOUND)


def test_a_store_that_cannot_be_imported() -> None:
    broken = EntryPoint("gone", "coupler.documents.nowhere:Store", GROUP)
    with pytest.raises(ConfigError, match="cannot be loaded: No module named"):
        load_store("gone", {}, plugins=[broken])


def test_where_nothing_is_installed() -> None:
    with pytest.raises(ConfigError, match="None is installed"):
        load_store("bucket", {}, plugins=[])


async def test_our_own_stores_follow_the_seam() -> None:
    def follows(store: DocumentStore) -> None:
        assert store.name

    follows(ClusterDocuments("http://localhost:8080", None))  # type: ignore[arg-type]
    store = FileDocumentStore.temporary()
    follows(store)
    await store.close()
