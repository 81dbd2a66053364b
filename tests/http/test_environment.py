"""Egress rules and proxies under the environment names of the Java runtime."""

from __future__ import annotations

import pytest

from coupler.errors import ConfigError
from coupler.http.config import BlockRule, EgressConfig, Proxy, ProxyConfig
from coupler.http.environment import egress_from_environment, proxies_from_environment

BLOCK = "CAMUNDA_CONNECTOR_HTTP_BLOCK_"
HOSTS = "CAMUNDA_CONNECTOR_VALIDATION_HOSTS_"


def test_nothing_set() -> None:
    assert egress_from_environment({"PATH": "/bin"}) == EgressConfig()
    assert proxies_from_environment({"HTTP_PROXY": "http://ignored:1"}) == ProxyConfig()


def test_block_rules() -> None:
    environment = {
        f"{BLOCK}URL_Internal_Api": "internal",
        f"{BLOCK}PORT": "8080,9090",
        f"{BLOCK}REGEX_Meta": ".*169.*",
        f"{BLOCK}url_lower": "case counts",
        "CAMUNDA_CONNECTOR_HTTP_BLOCKED": "no",
    }
    assert set(egress_from_environment(environment).block_rules) == {
        BlockRule("URL", "internal", "Internal_Api"),
        BlockRule("PORT", "8080,9090", None),
        BlockRule("REGEX", ".*169.*", "Meta"),
        BlockRule("url", "case counts", "lower"),
    }


def test_host_check_off_leaves_private_addresses_open() -> None:
    config = egress_from_environment({f"{HOSTS}DENYRANGES": "10.0.0.0/8"})
    assert (config.validate_hosts, config.allow_private_ranges, config.allow_loopback) == (False, True, True)
    assert config.deny_ranges == ("10.0.0.0/8",)


def test_host_check_on() -> None:
    environment = {
        f"{HOSTS}ENABLED": "true",
        f"{HOSTS}ALLOWRANGES": "10.1.0.0/16, 10.2.0.0/16",
        f"{HOSTS}ALLOWRANGES_0": "10.3.0.0/16",
        f"{HOSTS}UNSAFEALLOWLOOPBACK": "TRUE",
    }
    config = egress_from_environment(environment)
    assert (config.validate_hosts, config.allow_private_ranges, config.allow_loopback) == (True, False, True)
    assert config.allow_ranges == ("10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16")


def test_a_flag_that_is_neither_true_nor_false() -> None:
    with pytest.raises(ConfigError, match=f"{HOSTS}ENABLED must be true or false"):
        egress_from_environment({f"{HOSTS}ENABLED": "yes"})


def proxy(prefix: str, **parts: str) -> dict[str, str]:
    return {f"CONNECTOR_{prefix}_PROXY_{name.upper()}": value for name, value in parts.items()}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"host": "p", "port": "3128"}, Proxy("p", 3128)),
        ({"host": "p", "port": "3128", "scheme": "HTTPS"}, Proxy("p", 3128, "https")),
        ({"host": "p", "port": "3128", "user": "u", "password": "w"}, Proxy("p", 3128, "http", "u", "w")),
        ({"host": "p", "port": "3128", "user": "u"}, Proxy("p", 3128)),
        ({"host": "p", "port": "3128", "user": " ", "password": "w"}, Proxy("p", 3128)),
        ({"host": "p", "port": "3128", "user": "u", "password": ""}, Proxy("p", 3128)),
        ({"host": "p"}, None),
        ({"port": "3128"}, None),
        ({"host": " ", "port": "3128"}, None),
    ],
)
@pytest.mark.parametrize("scheme", ["HTTP", "HTTPS"])
def test_proxies(scheme: str, parts: dict[str, str], expected: Proxy | None) -> None:
    found = proxies_from_environment(proxy(scheme, **parts))
    assert (found.http, found.https) == ((expected, None) if scheme == "HTTP" else (None, expected))


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1", "3.5", "٣"])
def test_a_port_that_is_none(port: str) -> None:
    with pytest.raises(ConfigError, match="CONNECTOR_HTTP_PROXY_PORT must be a port number"):
        proxies_from_environment(proxy("HTTP", host="p", port=port))


def test_a_scheme_that_is_none() -> None:
    with pytest.raises(ConfigError, match="CONNECTOR_HTTP_PROXY_SCHEME"):
        proxies_from_environment(proxy("HTTP", host="p", port="1", scheme="socks5"))


def test_exceptions() -> None:
    config = proxies_from_environment({"CONNECTOR_HTTP_NON_PROXY_HOSTS": "localhost| *.internal |"})
    assert config.non_proxy_hosts == ("localhost", "*.internal")


def test_standard_variables_on_request() -> None:
    environment = {
        "http_proxy": "http://us%3Aer:p%40ss@plain:8080",
        "HTTPS_PROXY": "secure",
        "NO_PROXY": "localhost, .internal",
        **proxy("HTTPS", host="own", port="3128"),
    }
    assert proxies_from_environment(environment, standard=True) == ProxyConfig(
        Proxy("plain", 8080, "http", "us:er", "p@ss"),
        Proxy("own", 3128),
        ("localhost", "*.localhost", "internal", "*.internal"),
    )


def test_a_standard_proxy_that_is_none() -> None:
    with pytest.raises(ConfigError, match="HTTP_PROXY"):
        proxies_from_environment({"http_proxy": "socks5://x:1"}, standard=True)


def test_passwords_are_not_shown() -> None:
    assert "hidden" not in repr(Proxy("p", 1, user="u", password="hidden"))
