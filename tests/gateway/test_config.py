"""What can be set, and what is refused with which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from coupler.errors import ConfigError
from coupler.gateway.config import GatewayConfig, GrpcTarget


@pytest.mark.parametrize(
    ("address", "target", "tls"),
    [
        ("http://localhost:26500", "localhost:26500", False),
        ("https://cluster.example.com", "cluster.example.com:443", True),
        ("grpcs://cluster.example.com:443", "cluster.example.com:443", True),
        ("grpc://zeebe:1234", "zeebe:1234", False),
        ("localhost:26500", "localhost:26500", False),
        ("localhost", "localhost:26500", False),
        ("http://0.0.0.0:26500/", "0.0.0.0:26500", False),
        ("HTTP://[::1]:26500", "[::1]:26500", False),
    ],
)
def test_the_scheme_of_the_address_decides_on_tls(address: str, target: str, tls: bool) -> None:
    assert GatewayConfig(grpc_address=address).grpc_target() == GrpcTarget(target, tls)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"grpc_address": "ftp://x:1"}, "scheme 'ftp'"),
        ({"grpc_address": "http://"}, "a host and a port"),
        ({"grpc_address": "http://x:port"}, "cannot be read"),
        ({"grpc_address": "http://x:1/path"}, "a host and a port"),
        ({"rest_address": "localhost:8080"}, "gateway.rest_address 'localhost:8080' is not a URL"),
        ({"prefer_rest": True}, "gateway.prefer_rest is set, but gateway.rest_address is not"),
        ({"client_key_path": Path("/nowhere")}, "must be set together"),
        ({"ca_certificate_path": Path("/nowhere")}, "gateway.ca_certificate_path: there is no file /nowhere"),
        ({"keep_alive_seconds": 0.0}, "gateway.keep_alive_seconds must be greater than 0, but is 0.0"),
    ],
)
def test_what_cannot_work_is_refused_naming_the_setting(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        GatewayConfig(**settings)
