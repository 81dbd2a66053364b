"""The names that deployments of the Java runtime already have."""

from __future__ import annotations

from pathlib import Path

import pytest

from coupler.errors import ConfigError
from coupler.settings.aliases import ALIASES, seconds, size_bytes
from coupler.settings.show import rows
from coupler.settings.tree import variable
from tests.settings import loaded


def test_java_names_are_aliases(tmp_path: Path) -> None:
    answer = loaded(
        tmp_path,
        {
            "CAMUNDA_CLIENT_GRPCADDRESS": "http://zeebe:26500",
            "CAMUNDA_CLIENT_REST_ADDRESS": "http://zeebe:8080",
            "CAMUNDA_CLIENT_AUTH_METHOD": "NONE",
            "CAMUNDA_CLIENT_WORKER_DEFAULTS_MAXJOBSACTIVE": "32",
            "CAMUNDA_CLIENT_WORKER_DEFAULTS_STREAMENABLED": "false",
            "CAMUNDA_CLIENT_WORKER_DEFAULTS_TIMEOUT": "PT1M30S",
            "CAMUNDA_CLIENT_WORKER_DEFAULTS_TENANTIDS": "a, b",
            "CAMUNDA_CONNECTOR_SECRETPROVIDER_ENVIRONMENT_PREFIX": "",
            "CONNECTOR_OUTBOUND_DISABLED": "io.camunda:soap:1, io.camunda:email:1",
        },
    )

    settings = answer.settings
    assert (settings.gateway.grpc_address, settings.gateway.rest_address) == ("http://zeebe:26500", "http://zeebe:8080")
    assert settings.gateway.auth.method == "none"
    assert (settings.worker.max_jobs_active, settings.worker.stream_enabled) == (32, False)
    assert settings.worker.lease_seconds == 90
    assert settings.worker.tenant_ids == ("a", "b")
    assert settings.disabled_types == ("io.camunda:soap:1", "io.camunda:email:1")
    assert answer.warnings == ()


def test_java_names_of_identity_and_tenants(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        {
            "CAMUNDA_CLIENT_AUTH_CLIENTID": "me",
            "CAMUNDA_CLIENT_AUTH_CLIENTSECRET": "x",
            "CAMUNDA_CLIENT_AUTH_WELLKNOWNCONFIGURATIONURL": "https://login/realm/.well-known/openid-configuration",
            "CAMUNDA_CLIENT_AUTH_READTIMEOUT": "PT3S",
            "CAMUNDA_CLIENT_TENANTID": "blue",
            "CAMUNDA_KEEP_ALIVE": "30000",
        },
    ).settings

    assert (settings.gateway.auth.issuer_url, settings.gateway.auth.timeout_seconds) == ("https://login/realm", 3)
    assert settings.worker.tenant_ids == ("blue",)
    assert settings.gateway.keep_alive_seconds == 30
    both = {"CAMUNDA_CLIENT_TENANTID": "blue", "CAMUNDA_CLIENT_WORKER_DEFAULTS_TENANTIDS": "red,green"}
    assert loaded(tmp_path, both).settings.worker.tenant_ids == ("red", "green")
    with pytest.raises(ConfigError, match=r"CAMUNDA_CLIENT_AUTH_WELLKNOWNCONFIGURATIONURL: it does not end with"):
        loaded(tmp_path, {"CAMUNDA_CLIENT_AUTH_WELLKNOWNCONFIGURATIONURL": "https://login/realm"})


@pytest.mark.parametrize("spelling", ["SECRETPROVIDER", "SECRET_PROVIDER"])
def test_environment_secrets_can_be_switched_off_in_the_java_way(tmp_path: Path, spelling: str) -> None:
    names = {f"CAMUNDA_CONNECTOR_{spelling}_ENVIRONMENT_ENABLED": "false"}

    assert loaded(tmp_path, names).settings.secrets.provider_settings() == {"env": {"enabled": "false"}}


def test_java_names_that_nothing_reads_are_said_once(tmp_path: Path) -> None:
    answer = loaded(
        tmp_path,
        {
            "CAMUNDA_CLIENT_MODE": "self-managed",
            "CAMUNDA_CLIENT_GRPCADDRESS": "http://z:1",
            "CAMUNDA_CLIENT_MAXMETADATASIZE": "16KB",
            "CAMUNDA_CLIENT_CLOUD_REGION": "bru-2",
            "CAMUNDA_CONNECTOR_POLLING_ENABLED": "false",
            "CAMUNDA_CONNECTOR_OAUTH_CACHE_SKEWBUFFER": "PT10S",
            "CAMUNDA_CLIENT_SERVICE_HOST": "10.0.0.1",
            "CONNECTOR_MINE_FUNCTION": "com.example.Mine",
            "CONNECTOR_MINE_TYPE": "mine",
            "CONNECTOR_OF_ANOTHER_PROGRAM": "x",
        },
    )

    (warning,) = answer.warnings
    assert warning == (
        "These variables of the Java runtime have no effect here: CAMUNDA_CLIENT_MAXMETADATASIZE,"
        " CAMUNDA_CONNECTOR_OAUTH_CACHE_SKEWBUFFER, CONNECTOR_MINE_FUNCTION."
    )


@pytest.mark.parametrize(
    ("text", "only"), [("a:1, B:1,", ("a:1", "B:1")), ("", ()), (" ", ())], ids=["two", "none", "blank"]
)
def test_the_java_list_of_the_only_types_to_serve_counts_when_it_is_empty_too(
    tmp_path: Path, text: str, only: tuple[str, ...]
) -> None:
    assert loaded(tmp_path, {"CONNECTOR_OUTBOUND_ENABLED": text}).settings.enabled_types == only
    assert loaded(tmp_path, {}).settings.enabled_types is None


def test_two_lists_of_types_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="mutually exclusive"):
        loaded(tmp_path, {"CONNECTOR_OUTBOUND_ENABLED": "a:1", "CONNECTOR_OUTBOUND_DISABLED": "b:1"})


def test_older_java_names_give_way_to_newer_ones(tmp_path: Path) -> None:
    older = {"CAMUNDA_CLIENT_ZEEBE_GRPCADDRESS": "http://old:1", "CAMUNDA_GRPC_ADDRESS": "http://raw:1"}

    assert loaded(tmp_path, older).settings.gateway.grpc_address == "http://old:1"
    newer = {**older, "CAMUNDA_CLIENT_GRPCADDRESS": "http://new:1"}
    assert loaded(tmp_path, newer).settings.gateway.grpc_address == "http://new:1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("PT5M", 300), ("300000", 300), ("5m", 300), ("300s", 300), ("PT0.5S", 0.5), ("250ms", 0.25), ("1h", 3600)],
)
def test_java_durations(text: str, expected: float) -> None:
    assert seconds(text) == expected


def test_java_sizes() -> None:
    assert [size_bytes(text) for text in ("5MB", "512KB", "1048576", "7 B")] == [5242880, 524288, 1048576, 7]


def test_a_java_duration_that_is_none_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"CAMUNDA_CLIENT_WORKER_DEFAULTS_TIMEOUT.*'soon'"):
        loaded(tmp_path, {"CAMUNDA_CLIENT_WORKER_DEFAULTS_TIMEOUT": "soon"})


def test_our_name_beats_a_java_name_with_a_warning(tmp_path: Path) -> None:
    answer = loaded(
        tmp_path,
        {"CAMUNDA_CLIENT_WORKER_DEFAULTS_MAXJOBSACTIVE": "32", "COUPLER_WORKER__MAX_JOBS_ACTIVE": "64"},
    )

    assert answer.settings.worker.max_jobs_active == 64
    (warning,) = answer.warnings
    assert "COUPLER_WORKER__MAX_JOBS_ACTIVE" in warning
    assert "CAMUNDA_CLIENT_WORKER_DEFAULTS_MAXJOBSACTIVE" in warning


def test_the_same_value_under_both_names_is_no_warning(tmp_path: Path) -> None:
    names = {"CAMUNDA_CLIENT_GRPCADDRESS": "http://z:1", "COUPLER_GATEWAY__GRPC_ADDRESS": "http://z:1"}

    assert loaded(tmp_path, names).warnings == ()


def test_proxies_and_block_rules_have_java_names(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        {
            "CONNECTOR_HTTP_PROXY_HOST": "proxy",
            "CONNECTOR_HTTP_PROXY_PORT": "3128",
            "CONNECTOR_HTTP_PROXY_USER": "me",
            "CONNECTOR_HTTP_PROXY_PASSWORD": "x",
            "CONNECTOR_HTTPS_PROXY_HOST": "without-a-port",
            "CONNECTOR_HTTP_NON_PROXY_HOSTS": "localhost|*.internal",
            "CAMUNDA_CONNECTOR_HTTP_BLOCK_URL_METADATA": "169.254",
            "CAMUNDA_CONNECTOR_HTTP_BLOCK_PORT": "22,25",
        },
    ).settings

    proxies, rules = settings.http.proxies, settings.http.egress.block_rules
    assert proxies.http is not None
    assert (proxies.http.host, proxies.http.port, proxies.http.scheme, proxies.http.password) == (
        "proxy",
        3128,
        "http",
        "x",
    )
    assert proxies.https is None
    assert proxies.non_proxy_hosts == ("localhost", "*.internal")
    assert [(rule.kind, rule.value, rule.name) for rule in rules] == [
        ("PORT", "22,25", None),
        ("URL", "169.254", "METADATA"),
    ]


def test_standard_proxy_variables_count_when_wanted(tmp_path: Path) -> None:
    environ = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "localhost"}

    assert loaded(tmp_path, environ).settings.http.proxies.https is None
    proxies = loaded(tmp_path, {**environ, "COUPLER_USE_STANDARD_PROXIES": "true"}).settings.http.proxies
    assert proxies.https is not None
    assert (proxies.https.host, proxies.https.port) == ("proxy", 3128)
    assert "localhost" in proxies.non_proxy_hosts


def test_the_java_host_check_denies_private_ranges_by_default(tmp_path: Path) -> None:
    name = "CAMUNDA_CONNECTOR_VALIDATION_HOSTS_ENABLED"

    assert not loaded(tmp_path, {name: "true"}).settings.http.egress.allow_private_ranges
    assert loaded(tmp_path, {name: "false"}).settings.http.egress.allow_private_ranges


def test_every_alias_stands_for_a_setting_or_says_that_it_does_not(tmp_path: Path) -> None:
    for alias in ALIASES:
        assert variable(alias.path).startswith("COUPLER_")
        for name in alias.variables():
            assert name == name.upper()
    names = [name for alias in ALIASES for name in alias.variables()]
    assert len(names) == len(set(names))


def test_an_alias_without_a_setting_is_warned_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from coupler.settings import aliases

    monkeypatch.setattr(aliases, "ALIASES", (aliases.Alias("CAMUNDA_FUTURE", ("gateway", "future")),))

    (warning,) = loaded(tmp_path, {"CAMUNDA_FUTURE": "1"}).warnings
    assert "CAMUNDA_FUTURE has no effect" in warning


def test_java_overrides_of_one_connector_go_by_its_name(tmp_path: Path) -> None:
    answer = loaded(tmp_path, {"CONNECTOR_HTTP_REST_TYPE": "mine:1", "CONNECTOR_HTTP_REST_TIMEOUT": "60000"})

    config = answer.settings.named_configs()["HTTP_REST"]
    assert (config.type, config.lease_seconds) == ("mine:1", 60)
    assert any("CONNECTOR_HTTP_REST_TYPE" in each.origin for each in rows(answer))
    with pytest.raises(ConfigError, match="CONNECTOR_HTTP_REST_TIMEOUT"):
        loaded(tmp_path, {"CONNECTOR_HTTP_REST_TIMEOUT": "soon"})
    with pytest.raises(ConfigError, match="is not a setting"):
        loaded(tmp_path, {"COUPLER_CONNECTORS_BY_NAME__REST__TYPE": "x"})


def test_a_cluster_of_the_cloud_is_found_by_its_id(tmp_path: Path) -> None:
    gateway = loaded(
        tmp_path,
        {
            "CAMUNDA_CLIENT_CLOUD_CLUSTERID": "c-1",
            "CAMUNDA_CLIENT_CLOUD_REGION": "fra-1",
            "CAMUNDA_CLIENT_AUTH_CLIENTID": "me",
            "CAMUNDA_CLIENT_AUTH_CLIENTSECRET": "s",
            "CAMUNDA_CLIENT_AUTH_AUDIENCE": "mine",
        },
    ).settings.gateway

    assert gateway.grpc_address == "https://c-1.fra-1.zeebe.camunda.io:443"
    assert gateway.rest_address == "https://fra-1.zeebe.camunda.io/c-1"
    assert (gateway.auth.method, gateway.auth.audience) == ("oidc", "mine")
    assert gateway.auth.token_url == "https://login.cloud.camunda.io/oauth/token"
