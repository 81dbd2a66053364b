"""TLS and mutual TLS with an authority of the test's own."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
import trustme

from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.config import GatewayConfig
from coupler.gateway.grpc import GrpcGateway
from tests.gateway.grpc_front import GrpcFront


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def written(folder: Path, name: str, blob: trustme.Blob) -> Path:
    path = folder / name
    blob.write_to_path(path)
    return path


def server_credentials(
    authority: trustme.CA, name: str = "localhost", *, mutual: bool = False
) -> grpc.ServerCredentials:
    certificate = authority.issue_cert(name)
    pair = (certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes())
    roots = authority.cert_pem.bytes() if mutual else None
    return grpc.ssl_server_credentials([pair], root_certificates=roots, require_client_auth=mutual)


async def test_https_with_an_own_authority(authority: trustme.CA, tmp_path: Path) -> None:
    ca = written(tmp_path, "ca.pem", authority.cert_pem)
    async with GrpcFront(credentials=server_credentials(authority)) as front:
        gateway = GrpcGateway(GatewayConfig(grpc_address=front.address, ca_certificate_path=ca))
        assert (await gateway.topology()).healthy
        await gateway.close()


async def test_an_unknown_authority_is_not_trusted(authority: trustme.CA, tmp_path: Path) -> None:
    other = written(tmp_path, "other.pem", trustme.CA().cert_pem)
    async with GrpcFront(credentials=server_credentials(authority)) as front:
        gateway = GrpcGateway(GatewayConfig(grpc_address=front.address, ca_certificate_path=other))
        with pytest.raises(GatewayError) as caught:
            await gateway.topology()
        assert caught.value.status is GatewayStatus.UNAVAILABLE
        await gateway.close()


async def test_another_name_in_the_certificate_needs_override_authority(authority: trustme.CA, tmp_path: Path) -> None:
    ca = written(tmp_path, "ca.pem", authority.cert_pem)
    async with GrpcFront(credentials=server_credentials(authority, "zeebe.example.com")) as front:
        plain = GrpcGateway(GatewayConfig(grpc_address=front.address, ca_certificate_path=ca))
        with pytest.raises(GatewayError):
            await plain.topology()
        await plain.close()
        named = GrpcGateway(
            GatewayConfig(grpc_address=front.address, ca_certificate_path=ca, override_authority="zeebe.example.com")
        )
        assert (await named.topology()).healthy
        await named.close()


async def test_mutual_tls(authority: trustme.CA, tmp_path: Path) -> None:
    ca = written(tmp_path, "ca.pem", authority.cert_pem)
    client = authority.issue_cert("worker")
    certificate = written(tmp_path, "client.pem", client.cert_chain_pems[0])
    key = written(tmp_path, "client.key", client.private_key_pem)
    async with GrpcFront(credentials=server_credentials(authority, mutual=True)) as front:
        anonymous = GrpcGateway(GatewayConfig(grpc_address=front.address, ca_certificate_path=ca))
        with pytest.raises(GatewayError):
            await anonymous.topology()
        await anonymous.close()
        known = GrpcGateway(
            GatewayConfig(
                grpc_address=front.address,
                ca_certificate_path=ca,
                client_certificate_path=certificate,
                client_key_path=key,
            )
        )
        assert (await known.topology()).healthy
        await known.close()
