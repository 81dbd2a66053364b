from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from pydantic import BaseModel

from coupler.app.wiring import Cluster, make_registry, make_secrets
from coupler.documents.cluster import ClusterDocuments
from coupler.documents.files import FileDocumentStore
from coupler.documents.loading import GROUP
from coupler.errors import ConfigError
from coupler.gateway.grpc import GrpcGateway
from coupler.gateway.rest import RestGateway
from coupler.secrets import SecretScope
from coupler.settings import Loaded, Sources, load
from tests.documents.test_binding import CountingStore

SCOPE = SecretScope("<default>", "order", 1, "call")
XML = """<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL">
<bpmn:process id="order"><bpmn:serviceTask id="call"/></bpmn:process></bpmn:definitions>"""


def loaded(folder: Path, **environ: str) -> Loaded:
    return load(Sources(environ=environ, folder=folder))


async def definition(key: int) -> str:
    return XML


async def test_grpc_is_the_default(tmp_path: Path) -> None:
    cluster = Cluster(loaded(tmp_path).settings)

    assert isinstance(cluster.gateway, GrpcGateway)
    assert cluster.documents is None
    await cluster.close()


async def test_rest_can_be_preferred_and_brings_documents(tmp_path: Path) -> None:
    rest = {"COUPLER_GATEWAY__REST_ADDRESS": "http://127.0.0.1:1", "COUPLER_GATEWAY__PREFER_REST": "true"}
    cluster = Cluster(loaded(tmp_path, **rest).settings)

    assert isinstance(cluster.gateway, RestGateway)
    assert isinstance(cluster.documents, ClusterDocuments)
    await cluster.close()


async def test_documents_can_be_kept_in_a_folder(tmp_path: Path) -> None:
    cluster = Cluster(loaded(tmp_path, COUPLER_DOCUMENTS__FOLDER=str(tmp_path / "documents")).settings)

    assert isinstance(cluster.documents, FileDocumentStore)
    await cluster.close()


class BucketSettings(BaseModel):
    region: str


class Bucket(CountingStore):
    """The store of somebody's package."""

    Settings = BucketSettings

    def __init__(self, settings: BucketSettings) -> None:
        super().__init__()
        self.region = settings.region
        self.closed = False

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = EntryPoint("bucket", f"{__name__}:Bucket", GROUP)
    monkeypatch.setattr("coupler.documents.loading.entry_points", lambda group: [plugin])


@pytest.mark.usefixtures("bucket")
async def test_documents_can_be_kept_in_the_store_of_a_package(tmp_path: Path) -> None:
    chosen = {"COUPLER_DOCUMENTS__STORE": "bucket", "COUPLER_DOCUMENTS__BUCKET__REGION": "eu"}
    cluster = Cluster(loaded(tmp_path, **chosen).settings)
    await cluster.close()

    assert isinstance(cluster.documents, Bucket)
    assert cluster.documents.region == "eu"
    assert cluster.documents.closed


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"STORE": "bukket"}, r"no document store 'bukket'\. Did you mean 'bucket'"),
        ({"STORE": "bucket"}, "COUPLER_DOCUMENTS__BUCKET__REGION"),
        ({"STORE": "bucket", "FOLDER": "docs"}, "STORE and COUPLER_DOCUMENTS__FOLDER exclude each other"),
        ({"LIMITS__MAX_RAED_BYTES": "5"}, "COUPLER_DOCUMENTS__LIMITS__MAX_RAED_BYTES is not a setting"),
        ({"FOLDR": "docs"}, "COUPLER_DOCUMENTS__FOLDR is not a setting"),
    ],
)
async def test_misuse_of_document_settings_is_named(tmp_path: Path, environ: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Cluster(loaded(tmp_path, **{f"COUPLER_DOCUMENTS__{name}": value for name, value in environ.items()}).settings)


def test_a_strict_filter_without_a_rest_address_refuses_to_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"COUPLER_SECRETS__FILTER is STRICT.*Set COUPLER_GATEWAY__REST_ADDRESS"):
        make_secrets(loaded(tmp_path, COUPLER_SECRETS__FILTER="STRICT"), definition)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "x"),  # LAX, and nobody to ask
        ({"COUPLER_GATEWAY__REST_ADDRESS": "http://127.0.0.1:1"}, "{{secrets.A}}"),
        ({"COUPLER_GATEWAY__REST_ADDRESS": "http://127.0.0.1:1", "COUPLER_SECRETS__FILTER": "DISABLED"}, "x"),
        (
            {
                "COUPLER_GATEWAY__REST_ADDRESS": "http://127.0.0.1:1",
                "CAMUNDA_CONNECTOR_SECRETRESOLVER_SECRETFILTER_MODE": "strict",
            },
            "{{secrets.A}}",
        ),
    ],
)
async def test_the_filter_is_as_configured(tmp_path: Path, settings: dict[str, str], expected: str) -> None:
    secrets = make_secrets(loaded(tmp_path, SECRET_A="x", **settings), definition)

    assert (await secrets.resolve("{{secrets.A}}", SCOPE)).text == expected


async def test_one_job_alone_has_no_filter(tmp_path: Path) -> None:
    secrets = make_secrets(loaded(tmp_path, SECRET_A="x", COUPLER_SECRETS__FILTER="STRICT"))

    assert (await secrets.resolve("{{secrets.A}}", SCOPE)).text == "x"


def test_only_enabled_types_are_served(tmp_path: Path) -> None:
    registry = make_registry(loaded(tmp_path, COUPLER_ENABLED_TYPES="IO.Camunda:HTTP-json:1"))
    assert [each.type for each in registry.all() if each.enabled] == ["io.camunda:http-json:1"]
    reasons = {each.disabled_because for each in registry.all() if not each.enabled}
    assert reasons == {"its job type is not on the list of enabled types"}
    nothing = make_registry(loaded(tmp_path, CONNECTOR_OUTBOUND_ENABLED=""))
    assert not [each for each in nothing.all() if each.enabled]


def test_disabled_types_are_compared_in_any_case(tmp_path: Path) -> None:
    registry = make_registry(loaded(tmp_path, COUPLER_DISABLED_TYPES="IO.Camunda:HTTP-json:1"))

    assert "io.camunda:http-json:1" not in [registered.type for registered in registry.enabled()]
