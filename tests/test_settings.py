"""Settings: names, sources laid over each other, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from coupler.errors import ConfigError
from coupler.settings.show import HIDDEN, rows
from coupler.settings.tree import leaves, variable
from tests.settings import loaded, row


def test_the_names_that_others_rely_on(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        {
            "COUPLER_ADMIN__PORT": "9000",
            "COUPLER_ADMIN__HOST": "0.0.0.0",
            "COUPLER_EMBEDDED__PORT": "1",
            "COUPLER_EMBEDDED__REST_PORT": "2",
            "COUPLER_EMBEDDED__DB": "/tmp/engine.db",
            "COUPLER_WORKER__MAX_JOBS_ACTIVE": "7",
            "COUPLER_GATEWAY__GRPC_ADDRESS": "https://zeebe:443",
        },
    ).settings

    assert (settings.admin.port, settings.admin.host) == (9000, "0.0.0.0")
    engine = settings.embedded.engine_config()
    assert (engine.grpc_port, engine.rest_port, engine.db_path) == (1, 2, Path("/tmp/engine.db"))
    assert settings.worker.max_jobs_active == 7
    assert settings.gateway.grpc_address == "https://zeebe:443"


def test_defaults(tmp_path: Path) -> None:
    settings = loaded(tmp_path).settings

    assert (settings.admin.host, settings.admin.port) == ("127.0.0.1", 8080)
    assert (settings.embedded.port, settings.embedded.rest_port, settings.embedded.db) == (26500, 8088, None)
    assert (settings.worker.max_jobs_active, settings.worker.lease_seconds) == (100, 300)


def test_credentials_without_a_method_are_never_ignored(tmp_path: Path) -> None:
    # Given credentials of the Java kind, when no method is named, then one is chosen rather than none
    for name, method in (("CLIENTID", "oidc"), ("USERNAME", "basic")):
        with pytest.raises(ConfigError, match=method):
            loaded(tmp_path, {f"CAMUNDA_CLIENT_AUTH_{name}": "me"})


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("COUPLER_WORKER__MAX_JOBS_ACTIV", "COUPLER_WORKER__MAX_JOBS_ACTIVE"),
        ("COUPLER_ADMN__PORT", "COUPLER_ADMIN__PORT"),
        ("COUPLER_ADMIN_PORT", "COUPLER_ADMIN__PORT"),
        ("COUPLER_GATEWAY__ADDRESS__GRPC", "COUPLER_GATEWAY__"),
        ("COUPLER_CONNECTORS__REST", "COUPLER_"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(tmp_path: Path, name: str, nearest: str) -> None:
    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, {name: "1"})

    assert f"{name} is not a setting." in str(raised.value)
    assert f"Did you mean '{nearest}" in str(raised.value)


def test_variables_that_kubernetes_makes_for_services_are_no_settings(tmp_path: Path) -> None:
    loaded(
        tmp_path,
        {
            "COUPLER_SERVICE_HOST": "10.0.0.1",
            "COUPLER_SERVICE_PORT": "8080",
            "COUPLER_SERVICE_PORT_ADMIN": "8080",
            "COUPLER_PORT": "tcp://10.0.0.1:8080",
            "COUPLER_PORT_8080_TCP": "tcp://10.0.0.1:8080",
            "COUPLER_PORT_8080_TCP_ADDR": "10.0.0.1",
            "COUPLER_ADMIN_PORT": "tcp://10.0.0.1:8080",
        },
    )


def test_a_wrong_value_names_the_variable_and_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, {"COUPLER_ADMIN__PORT": "eighty", "CAMUNDA_CLIENT_WORKER_DEFAULTS_STREAMENABLED": "maybe"})

    lines = sorted(str(raised.value).splitlines())
    assert lines[0].startswith("COUPLER_ADMIN__PORT: Input should be a valid integer")
    assert lines[0].endswith("It is 'eighty'.")
    assert lines[1].startswith(
        "COUPLER_WORKER__STREAM_ENABLED (environment CAMUNDA_CLIENT_WORKER_DEFAULTS_STREAMENABLED): "
    )


@pytest.mark.parametrize(
    "name",
    ["COUPLER_WORKER__MAX_JOBS_ACTIVE", "COUPLER_WORKER__LEASE_SECONDS", "COUPLER_WORKER__REQUEST_TIMEOUT_SECONDS"],
)
def test_a_number_out_of_range_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} must be"):
        loaded(tmp_path, {name: "0"})


def test_lists_are_separated_by_commas_or_json(tmp_path: Path) -> None:
    for text in ("a,b", '["a", "b"]', " a , b ,"):
        assert loaded(tmp_path, {"COUPLER_WORKER__TENANT_IDS": text}).settings.worker.tenant_ids == ("a", "b")


def test_an_empty_text_unsets_all_but_texts(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        {"COUPLER_ADMIN__PORT": "", "COUPLER_GATEWAY__REST_ADDRESS": "", "COUPLER_SECRETS__ENV__PREFIX": ""},
    ).settings

    assert settings.admin.port == 8080
    assert settings.gateway.rest_address is None
    assert settings.secrets.provider_settings() == {"env": {"prefix": ""}}


def test_sources_are_laid_over_each_other(tmp_path: Path) -> None:
    # Given the same setting in all sources, each source having one more than the next
    (tmp_path / "coupler.toml").write_text(
        "[admin]\nport = 1\nhost = 'file'\n[worker]\nmax-jobs-active = 1\ndrain_seconds = 1\n[log]\nlevel = 'DEBUG'\n"
    )
    (tmp_path / ".env").write_text(
        "# comment\nexport COUPLER_ADMIN__PORT=2\nCOUPLER_WORKER__MAX_JOBS_ACTIVE=2\n"
        "COUPLER_WORKER__DRAIN_SECONDS='2'\nSECRET_A=from-dotenv\n"
    )
    environ = {"COUPLER_ADMIN__PORT": "3", "COUPLER_WORKER__MAX_JOBS_ACTIVE": "3"}

    answer = loaded(tmp_path, environ, flags={("admin", "port"): 4})

    # Then the later source wins, and each value says where it came from
    settings = answer.settings
    assert (settings.admin.port, settings.worker.max_jobs_active, settings.worker.drain_seconds) == (4, 3, 2)
    assert (settings.admin.host, settings.log.level) == ("file", "DEBUG")
    assert row(answer, "COUPLER_ADMIN__PORT").origin == "flag"
    assert row(answer, "COUPLER_WORKER__MAX_JOBS_ACTIVE").origin == "environment COUPLER_WORKER__MAX_JOBS_ACTIVE"
    assert row(answer, "COUPLER_WORKER__DRAIN_SECONDS").origin == ".env COUPLER_WORKER__DRAIN_SECONDS"
    assert row(answer, "COUPLER_LOG__LEVEL").origin == f"file {tmp_path / 'coupler.toml'}"
    assert row(answer, "COUPLER_HTTP__MAX_REDIRECTS").origin == "default"
    assert answer.environ["SECRET_A"] == "from-dotenv"


def test_a_yaml_file(tmp_path: Path) -> None:
    (tmp_path / "coupler.yaml").write_text("worker:\n  maxJobs: 1\n")
    with pytest.raises(
        ConfigError, match=r"coupler.yaml: worker.maxjobs is not a setting. Did you mean 'worker.max_jobs"
    ):
        loaded(tmp_path)
    (tmp_path / "coupler.yaml").write_text("worker:\n  max_jobs_active: 9\n  tenant_ids: [a, b]\n")
    assert loaded(tmp_path).settings.worker.max_jobs_active == 9
    assert loaded(tmp_path).settings.worker.tenant_ids == ("a", "b")


def test_a_chosen_file_and_its_faults(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    with pytest.raises(ConfigError, match="cannot be read"):
        loaded(tmp_path, {"COUPLER_CONFIG": str(path)})
    path.write_text("[worker\n")
    with pytest.raises(ConfigError, match="not valid TOML"):
        loaded(tmp_path, {"COUPLER_CONFIG": str(path)})
    path.write_text("[gateway]\ngrpc_adress = 'x'\n")
    with pytest.raises(ConfigError, match=r"gateway.grpc_adress is not a setting. Did you mean 'gateway.grpc_address'"):
        loaded(tmp_path, config_file=str(path))
    path.write_text("[gateway]\ngrpc_address = 'http://z:1'\n")
    assert loaded(tmp_path, config_file=str(path)).settings.gateway.grpc_address == "http://z:1"


def test_two_default_files_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "coupler.toml").touch()
    (tmp_path / "coupler.yml").touch()
    with pytest.raises(ConfigError, match="more than one configuration file"):
        loaded(tmp_path)


def test_a_chosen_env_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file"):
        loaded(tmp_path, env_file=str(tmp_path / "nope"))
    (tmp_path / ".env").write_text("COUPLER_ADMIN__PORT=2\n")
    assert loaded(tmp_path, env_file="").settings.admin.port == 8080


def test_connectors_and_providers_have_sections(tmp_path: Path) -> None:
    answer = loaded(
        tmp_path,
        {
            "COUPLER_CONNECTORS__REST__ENABLED": "false",
            "COUPLER_CONNECTORS__REST__LEASE_SECONDS": "12",
            "COUPLER_CONNECTORS__SHOP__BASE_URL": "http://shop",
            "COUPLER_CONNECTORS__SHOP__API_TOKEN": "hunter2",
            "COUPLER_SECRETS__FILE__PATH": "/etc/secrets",
        },
    )

    configs = answer.settings.connector_configs()
    assert (configs["rest"].enabled, configs["rest"].lease_seconds) == (False, 12)
    assert configs["shop"].settings == {"base_url": "http://shop", "api_token": "hunter2"}
    assert answer.settings.secrets.provider_settings() == {"file": {"path": "/etc/secrets"}}
    assert row(answer, "COUPLER_CONNECTORS__SHOP__BASE_URL").value == "http://shop"


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    answer = loaded(
        tmp_path,
        {
            "COUPLER_CONNECTORS__SHOP__API_TOKEN": "hunter2",
            "CONNECTOR_HTTP_PROXY_HOST": "proxy",
            "CONNECTOR_HTTP_PROXY_PORT": "3128",
            "CONNECTOR_HTTP_PROXY_USER": "me",
            "CONNECTOR_HTTP_PROXY_PASSWORD": "hunter2",
        },
    )

    assert "hunter2" not in repr(rows(answer))
    assert row(answer, "COUPLER_HTTP__PROXIES__HTTP__PASSWORD").value == HIDDEN


def test_every_setting_has_one_name() -> None:
    names = [variable(path) for path in leaves()]
    assert len(names) == len(set(names)) > 50


def test_an_empty_prefix_of_secrets_is_a_value(tmp_path: Path) -> None:
    settings = loaded(tmp_path, {"CAMUNDA_CONNECTOR_SECRETPROVIDER_ENVIRONMENT_PREFIX": ""}).settings

    assert settings.secrets.provider_settings() == {"env": {"prefix": ""}}
