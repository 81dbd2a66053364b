"""Whose credentials sign, and how long clients are kept."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest

from coupler.errors import ConnectorError, EgressDenied
from coupler.http.config import EgressConfig, HttpConfig
from coupler.http.engine import Engine
from coupler_s3.clients import Clients
from coupler_s3.identity import Identity
from coupler_s3.settings import S3Settings
from tests.connectors.kit import Bench
from tests.connectors.s3.kit import REGION, Place, configured
from tests.http.server import Received, Server, always, reply

CHAIN = {"authentication": {"type": "defaultCredentialsChain"}}
ROLE = "arn:aws:iam::123456789012:role/orders"


@pytest.fixture(autouse=True)
def no_credentials_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


def variables(url: str, **change: Any) -> dict[str, Any]:
    return {
        "actionDiscriminator": "deleteObject",
        "authentication": {"accessKey": "AK", "secretKey": "SK"},
        "configuration": {"region": "eu-west-3", "endpoint": url, "addressingStyle": "path"},
        "action": {"bucket": "orders", "key": "k"},
        **change,
    }


async def signed_by(bench: Bench, **change: Any) -> Received:
    async with Server(always(reply(204))) as server:
        await bench.run(variables(server.url, **change))
    return server.last


def scope_of(request: Received) -> str:
    found = re.search(r"Credential=([^,]+)", request.one("authorization") or "")
    assert found is not None
    return found[1]


async def test_keys_region_and_session_token(bench: Bench) -> None:
    keys = {"accessKey": "AK", "secretKey": "SK", "sessionToken": "TOKEN"}
    request = await signed_by(bench, authentication=keys)
    assert re.fullmatch(r"AK/\d{8}/eu-west-3/s3/aws4_request", scope_of(request))
    assert request.one("x-amz-security-token") == "TOKEN"
    assert (await signed_by(bench)).one("x-amz-security-token") is None


async def test_the_default_chain(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConnectorError) as caught:
        await signed_by(bench, **CHAIN)
    assert caught.value.code == "NO_CREDENTIALS"
    await configured(bench)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "FROM-ENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    assert scope_of(await signed_by(bench, **CHAIN)).startswith("FROM-ENV/")


@pytest.mark.parametrize(
    ("given", "environment", "found"),
    [
        ("eu-west-3", "eu-north-1", "eu-west-3"),
        ("", "eu-north-1", "eu-north-1"),
        (None, "", "us-east-1"),
    ],
)
async def test_where_the_region_comes_from(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, given: str | None, environment: str, found: str
) -> None:
    monkeypatch.setenv("AWS_REGION", environment)
    async with Server(always(reply(204))) as server:
        await bench.run(variables(server.url, configuration={"region": given, "endpoint": server.url}))
    assert scope_of(server.last).split("/")[2] == found


async def test_a_role_that_is_assumed(place: Place, moto: str) -> None:
    await configured(place.bench, sts_endpoint=moto)
    place.put("k", b"x")
    role = {**place.keys, "roleArn": ROLE, "externalId": "orders"}
    assert (await place.run("headObject", {"authentication": role}, key="k"))["size"] == 1


async def test_the_token_of_a_role_is_sent(bench: Bench, moto: str) -> None:
    await configured(bench, sts_endpoint=moto)
    request = await signed_by(bench, authentication={"accessKey": "AK", "secretKey": "SK", "roleArn": ROLE})
    assert request.one("x-amz-security-token")
    assert not scope_of(request).startswith("AK/")


async def test_a_role_that_may_not_be_assumed(bench: Bench) -> None:
    body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"
    async with Server(always(reply(403, body))) as sts:
        await configured(bench, sts_endpoint=sts.url)
        with pytest.raises(ConnectorError, match=r"not you \(Service: STS") as caught:
            await signed_by(bench, authentication={"accessKey": "AK", "secretKey": "SK", "roleArn": ROLE})
    assert caught.value.code == "AccessDenied"


def identity(**change: Any) -> Identity:
    given: dict[str, Any] = {"access_key": "AK", "secret_key": "SK", "session_token": None, "role_arn": None}
    given |= {"external_id": None, "region": REGION, "endpoint": "http://127.0.0.1:1", "addressing_style": "auto"}
    return Identity(**{**given, **change})


def test_clients_are_shared_by_those_who_are_the_same() -> None:
    clients = Clients(S3Settings())
    first = clients.get(identity())
    assert clients.get(identity()) is first
    for other in ({"secret_key": "x"}, {"region": "eu-west-3"}, {"endpoint": "http://127.0.0.1:2"}):
        assert clients.get(identity(**other)) is not first
    clients.close()
    with pytest.raises(ConnectorError, match="shuts down"):
        clients.get(identity())


def test_many_threads_make_one_client() -> None:
    clients = Clients(S3Settings())
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(clients.get(identity()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(client) for client in found}) == 1
    clients.close()


def test_the_number_of_clients_is_bounded() -> None:
    clients = Clients(S3Settings(clients=2))
    first, second = identity(access_key="A"), identity(access_key="B")
    kept = clients.get(first)
    clients.get(second)
    assert clients.get(first) is kept
    clients.get(identity(access_key="C"))  # in the place of B, which was used before A
    assert clients.get(first) is kept
    assert len(clients._kept) == 2
    clients.close()


def test_idle_clients_go() -> None:
    clients = Clients(S3Settings(client_seconds=0.000001))
    clients.get(identity(access_key="A"))
    clients.get(identity(access_key="B"))
    assert [kept.access_key for kept in clients._kept] == ["B"]
    clients.close()


def test_how_a_client_is_set_up() -> None:
    clients = Clients(S3Settings(threads=7, attempts=2, connect_timeout_seconds=3, read_timeout_seconds=4))
    for endpoint, checksums in (("http://127.0.0.1:1", "when_required"), (None, "when_supported")):
        config = clients.get(identity(endpoint=endpoint)).meta.config
        assert (config.max_pool_connections, config.connect_timeout, config.read_timeout) == (7, 3, 4)
        assert config.retries == {"mode": "standard", "total_max_attempts": 2}
        assert config.signature_version == "s3v4"
        assert (config.request_checksum_calculation, config.response_checksum_validation) == (checksums, checksums)
    clients.close()


@pytest.mark.parametrize(
    ("endpoint", "style", "start"),
    [
        (None, "auto", "https://orders.s3.eu-central-1.amazonaws.com/k?"),
        (None, "path", "https://s3.eu-central-1.amazonaws.com/orders/k?"),
        ("http://minio:9000", "auto", "http://minio:9000/orders/k?"),
        ("http://minio:9000", "virtual", "http://orders.minio:9000/k?"),
    ],
)
async def test_addressing(bench: Bench, endpoint: str | None, style: str, start: str) -> None:
    result = await bench.run(
        variables(
            "",
            actionDiscriminator="presignObject",
            configuration={"region": REGION, "endpoint": endpoint, "addressingStyle": style},
        )
    )
    assert result["url"].startswith(start)


async def test_the_egress_policy_counts_for_the_endpoint_of_a_model(bench: Bench) -> None:
    bench.engine = Engine(HttpConfig(egress=EgressConfig(allow_loopback=False)))
    async with Server(always(reply(204))) as server:
        with pytest.raises(EgressDenied, match=r"127\.0\.0\.1"):
            await bench.run(variables(server.url))
        assert server.connections == 0
        await configured(bench, endpoint=server.url, addressing_style="path")  # the operator's own
        await bench.run(variables(server.url))
        await bench.run(variables("", configuration={"region": "r"}))
        assert server.connections >= 1


async def test_metadata_services_are_out_of_reach(bench: Bench) -> None:
    for url in ("http://169.254.169.254", "http://[fd00:ec2::254]", "http://metadata.google.internal"):
        with pytest.raises(EgressDenied):
            await bench.run(variables(url))


async def test_a_redirect_does_not_lead_past_the_policy(bench: Bench) -> None:
    body = "<Error><Code>PermanentRedirect</Code><Message>there</Message><Endpoint>169.254.169.254</Endpoint></Error>"
    answer = reply(301, body, [("x-amz-bucket-region", "eu-west-1"), ("Location", "http://169.254.169.254/")])
    async with Server(always(answer)) as server:
        with pytest.raises(ConnectorError):
            await bench.run(variables(server.url))


async def test_the_test_of_the_connection(place: Place, moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = place.bench.connector
    await configured(place.bench, sts_endpoint=moto, read_timeout_seconds=2, attempts=1)
    with pytest.raises(ConnectorError, match="credentials"):
        await connector.check()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    await configured(place.bench, sts_endpoint=moto)
    await connector.check()
    await configured(place.bench, endpoint=moto, check_bucket=place.bucket)
    await connector.check()
    await configured(place.bench, endpoint=moto, check_bucket="no-such-bucket-here")
    with pytest.raises(ConnectorError):
        await connector.check()
    await configured(place.bench, allow_default_chain=False)
    with pytest.raises(ConnectorError, match="bring their own"):
        await connector.check()


async def test_a_bucket_that_is_no_host_name(bench: Bench) -> None:
    given = {"actionDiscriminator": "presignObject", "configuration": {"region": REGION}}
    result = await bench.run(variables("", **given, action={"bucket": "my.orders", "key": "k"}))
    assert result["url"].startswith("https://s3.eu-central-1.amazonaws.com/my.orders/k?")
