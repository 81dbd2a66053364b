from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from coupler import __version__
from coupler.admin.application import create_app
from coupler.admin.config import AdminConfig
from coupler.admin.metrics import register
from coupler.telemetry.metrics import JobMetrics
from tests.admin.view import BIG_KEY, FakeEngine, FakeView

TEMPLATE = "/api/templates/io.coupler.connectors.rest"


@pytest.fixture
def view() -> FakeView:
    return FakeView()


@pytest_asyncio.fixture
async def client(view: FakeView) -> AsyncIterator[httpx.AsyncClient]:
    registry = CollectorRegistry()
    JobMetrics(registry).for_type("t:1", "Echo").finished("completed", 0.1)
    register(registry, view)
    transport = httpx.ASGITransport(create_app(view, registry))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
        yield client


async def json_of(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("path", ["/health/live", "/actuator/health/liveness"])
async def test_liveness_does_not_depend_on_the_cluster(client: httpx.AsyncClient, view: FakeView, path: str) -> None:
    view.gateway_reachable = False
    view.reasons = ["The gateway cannot be reached."]

    assert await json_of(client, path) == {"status": "up", "reasons": []}


@pytest.mark.parametrize("path", ["/health/ready", "/actuator/health/readiness"])
async def test_readiness_gives_reasons(client: httpx.AsyncClient, view: FakeView, path: str) -> None:
    assert await json_of(client, path) == {"status": "up", "reasons": []}

    view.reasons = ["The runtime is draining: it takes no more jobs."]
    answer = await client.get(path)

    assert answer.status_code == 503
    assert answer.json() == {"status": "down", "reasons": view.reasons}


@pytest.mark.parametrize("path", ["/health/startup", "/actuator/health/startup"])
async def test_startup_ends_once(client: httpx.AsyncClient, view: FakeView, path: str) -> None:
    view.starting = ["The connectors are being opened."]
    assert (await client.get(path)).status_code == 503

    view.starting = []
    view.reasons = ["The gateway cannot be reached."]
    assert (await client.get(path)).status_code == 200


async def test_info(client: httpx.AsyncClient) -> None:
    info = await json_of(client, "/api/info")

    assert info["version"] == __version__
    assert info["gateway_address"] == "http://zeebe:26500"
    assert info["ready"] is True
    assert info["embedded_engine"] is False
    assert info["uptime_seconds"] >= 0


async def test_connectors_with_their_subscriptions(client: httpx.AsyncClient) -> None:
    echo, gone = await json_of(client, "/api/connectors")

    assert (echo["type"], echo["input_variables"]) == ("t:1", ["value"])
    assert echo["subscription"] == {"mode": "stream", "ready": True, "active": 1, "max_active": 100, "last_error": ""}
    assert (gone["enabled"], gone["disabled_because"], gone["subscription"]) == (False, "zeep is missing", None)


async def test_keys_of_64_bits_are_texts(client: httpx.AsyncClient) -> None:
    (running,) = await json_of(client, "/api/jobs")
    recent = await json_of(client, "/api/jobs/recent")

    assert running["job_key"] == recent[0]["job_key"] == str(BIG_KEY)
    assert running["process_instance_key"] == str(BIG_KEY + 1)
    assert (running["state"], recent[0]["outcome"]) == ("running", "failed")


async def test_lists_can_be_cut(client: httpx.AsyncClient) -> None:
    assert len(await json_of(client, "/api/jobs/recent?limit=1")) == 1
    assert (await client.get("/api/jobs/recent?limit=0")).status_code == 422


async def test_incidents_are_those_of_the_embedded_engine(client: httpx.AsyncClient, view: FakeView) -> None:
    for path in ("/api/incidents", "/api/instances"):
        assert (await client.get(path)).status_code == 404

    view.engine = FakeEngine()

    assert (await client.post(f"/api/incidents/{BIG_KEY}/resolve")).status_code == 204
    assert (await client.post("/api/incidents/1/resolve")).status_code == 404
    (incident,) = await json_of(client, "/api/incidents")
    (instance,) = await json_of(client, "/api/instances")
    assert (incident["key"], incident["type"], incident["element_id"]) == (str(BIG_KEY), "JOB_NO_RETRIES", "call")
    assert (instance["state"], instance["ended_at"]) == ("active", None)


@pytest.mark.parametrize("path", ["/metrics", "/actuator/prometheus"])
async def test_metrics_can_be_scraped(client: httpx.AsyncClient, view: FakeView, path: str) -> None:
    view.draining = True
    answer = await client.get(path)

    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert answer.headers["content-type"].startswith("text/plain")
    assert samples["coupler_jobs_finished_total", "Echo", "completed", "t:1"] == 1
    assert samples["coupler_jobs_active", "Echo", "t:1"] == 1
    assert samples["coupler_jobs_active_limit", "Echo", "t:1"] == 100
    assert samples["coupler_subscription_ready", "Echo", "t:1"] == 1
    assert samples["coupler_gateway_reachable",] == 1
    assert samples["coupler_ready",] == 1
    assert samples["coupler_draining",] == 1
    assert samples["coupler_build_info", __version__] == 1
    assert samples["process_resident_memory_bytes",] > 1e6


async def test_the_page_is_ours_alone(client: httpx.AsyncClient) -> None:
    # When the page and what it loads are fetched
    page, style, script = [await client.get(path) for path in ("/", "/page.css", "/page.js")]

    # Then nothing comes from elsewhere, and the browser runs nothing else
    for answer in (page, style, script):
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert "http://" not in answer.text.replace("http://www.w3.org", "")
        assert "https://" not in answer.text
    assert page.headers["content-type"].startswith("text/html")
    assert "onclick" not in page.text
    assert "<style" not in page.text


async def test_the_page_puts_values_in_as_text(client: httpx.AsyncClient) -> None:
    script = (await client.get("/page.js")).text

    for unsafe in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert unsafe not in script


async def test_the_reference_lists_every_path(client: httpx.AsyncClient) -> None:
    openapi = await json_of(client, "/openapi.json")
    reference = (await client.get("/docs")).text

    assert set(openapi["paths"]) == {
        "/health/live",
        "/health/ready",
        "/health/startup",
        "/metrics",
        "/api/info",
        "/api/connectors",
        "/api/connectors/{plugin}/pause",
        "/api/connectors/{plugin}/resume",
        "/api/jobs",
        "/api/jobs/recent",
        "/api/incidents",
        "/api/incidents/{key}/resolve",
        "/api/instances",
        "/api/templates",
        "/api/templates/all",
        "/api/templates/{id}",
    }
    for path, operations in openapi["paths"].items():
        assert f"<code>{path}</code>" in reference
        assert all(operation["description"] for operation in operations.values())


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "8.8.8.8"])
async def test_on_loopback_other_hosts_are_refused(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.get("/api/jobs", headers={"Host": host})

    assert answer.status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080"])
async def test_on_loopback_its_own_hosts_are_answered(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/api/jobs", headers={"Host": host})).status_code == 200


async def test_elsewhere_every_host_is_answered(view: FakeView) -> None:
    transport = httpx.ASGITransport(create_app(view, CollectorRegistry(), AdminConfig(host="0.0.0.0")))
    async with httpx.AsyncClient(transport=transport, base_url="http://coupler.example") as client:
        assert (await client.get("/health/live")).status_code == 200


def asking(view: FakeView, host: str, token: str | None = None) -> httpx.AsyncClient:
    app = create_app(view, CollectorRegistry(), AdminConfig(host=host, token=token))
    name = "localhost:8080" if host == "127.0.0.1" else "coupler.example:8080"
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{name}")


async def test_a_connector_can_be_paused_and_resumed_on_loopback(view: FakeView) -> None:
    async with asking(view, "127.0.0.1") as client:
        assert (await client.post("/api/connectors/echo/pause")).status_code == 204
        assert view.paused == ["t:1"]
        assert (await client.post("/api/connectors/echo/resume")).status_code == 204
        assert view.paused == []
        for unknown in ("nobody", "gone"):  # the second one is installed, but off
            assert (await client.post(f"/api/connectors/{unknown}/pause")).status_code == 404


async def test_from_elsewhere_changes_need_a_token(view: FakeView) -> None:
    async with asking(view, "0.0.0.0") as client:
        answer = await client.post("/api/connectors/echo/pause")
        assert (answer.status_code, view.paused) == (403, [])
        assert "COUPLER_ADMIN__TOKEN" in answer.text
        assert (await client.get("/api/connectors")).status_code == 200
    async with asking(view, "0.0.0.0", "hunter2") as client:
        allowed = await client.post("/api/connectors/echo/pause", headers={"Authorization": "Bearer hunter2"})
        assert (allowed.status_code, view.paused) == (204, ["t:1"])


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:9999", "null"])
async def test_the_page_of_another_site_changes_nothing(view: FakeView, origin: str) -> None:
    async with asking(view, "127.0.0.1") as client:
        answer = await client.post("/api/connectors/echo/pause", headers={"Origin": origin})
        assert (answer.status_code, view.paused) == (403, [])
        own = await client.post("/api/connectors/echo/pause", headers={"Origin": "http://localhost:8080"})
        assert own.status_code == 204


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer hunter2", 200),
        ("Basic " + base64.b64encode(b"me:hunter2").decode(), 200),
        ("Bearer hunter3", 401),
        ("Bearer", 401),
        ("Basic aHVudGVyMg==", 401),
        ("Basic !", 401),
        ("", 401),
    ],
)
async def test_with_a_token_everything_but_probes_and_metrics_needs_it(
    view: FakeView, authorization: str, status: int
) -> None:
    async with asking(view, "127.0.0.1", "hunter2") as client:
        headers = {"Authorization": authorization} if authorization else {}
        for path in (
            "/",
            "/docs",
            "/openapi.json",
            "/api/jobs",
            "/page.js",
            "/api/templates",
            "/api/templates/all",
            TEMPLATE,
        ):
            answer = await client.get(path, headers=headers)
            assert answer.status_code == status
            assert ("www-authenticate" in answer.headers) == (status == 401)
        for path in ("/health/live", "/health/ready", "/metrics", "/actuator/health/liveness", "/actuator/prometheus"):
            assert (await client.get(path)).status_code == 200
