"""TLS material as Java's properties give it."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from coupler.errors import ConnectorError, InputError
from coupler_kafka.tls import pem_material, ssl_context, tls_options
from tests.connectors.kafka.stores import PASSWORD, World


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def context_of(**properties: str) -> ssl.SSLContext:
    return ssl_context(tls_options({f"ssl.{name.replace('_', '.')}": value for name, value in properties.items()}))


def one_line(pem: str) -> str:
    return pem.replace("\n", " ")


def escaped(pem: str) -> str:
    return pem.replace("\n", "\\n")


def test_without_properties_the_usual_authorities_are_trusted() -> None:
    context = context_of()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("form", [str, one_line, escaped])
def test_inline_pem_in_every_form(world: World, form: type[str]) -> None:
    context = context_of(
        truststore_type="PEM",
        truststore_certificates=form(world.authority),
        keystore_certificate_chain=form(world.client.chain),
        keystore_key=form(world.client.key()),
    )
    assert len(context.get_ca_certs()) == 1


def test_an_encrypted_key(world: World) -> None:
    given = {"keystore_certificate_chain": world.client.chain, "keystore_key": world.client.key("pass word")}
    context_of(**given, key_password="pass word")
    for wrong in ({}, {"key_password": "wrong"}):
        with pytest.raises(ConnectorError, match=r"ssl\.key\.password is wrong"):
            context_of(**given, **wrong)


def test_files_in_pem(world: World, tmp_path: Path) -> None:
    trust, identity = tmp_path / "trust.pem", tmp_path / "identity.pem"
    trust.write_text(world.authority)
    identity.write_text(world.client.key() + world.client.chain)
    context = context_of(truststore_location=str(trust), keystore_location=str(identity), keystore_type="PEM")
    assert len(context.get_ca_certs()) == 1


def test_stores_in_pkcs12(world: World, tmp_path: Path) -> None:
    trust, identity = tmp_path / "trust.p12", tmp_path / "identity.p12"
    trust.write_bytes(world.trust_store())
    identity.write_bytes(world.client.pkcs12())
    context = context_of(
        truststore_location=str(trust),
        truststore_password=PASSWORD,
        keystore_location=str(identity),
        keystore_password=PASSWORD,
    )
    assert len(context.get_ca_certs()) == 1
    with pytest.raises(ConnectorError, match=r"ssl\.truststore\.password is wrong"):
        context_of(truststore_location=str(trust), truststore_password="wrong")


def test_a_jks_store_is_refused_with_the_way_out(tmp_path: Path) -> None:
    store = tmp_path / "trust.jks"
    store.write_bytes(b"\xfe\xed\xfe\xed\x00\x00\x00\x02")
    with pytest.raises(InputError, match="keytool -importkeystore"):
        context_of(truststore_location=str(store))


def test_what_cannot_be_read(world: World, tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match=r"ssl\.truststore\.location cannot be read: No such file"):
        context_of(truststore_location=str(tmp_path / "nothing"))
    with pytest.raises(ConnectorError, match=r"ssl\.truststore holds no certificate"):
        context_of(truststore_certificates="nonsense")
    with pytest.raises(ConnectorError, match="needs both"):
        context_of(keystore_certificate_chain=world.client.chain)
    with pytest.raises(ConnectorError, match="do not fit"):
        context_of(keystore_certificate_chain=world.client.chain, keystore_key=world.server.key())


def test_switches(world: World) -> None:
    context = context_of(
        truststore_certificates=world.authority, endpoint_identification_algorithm="", enabled_protocols="TLSv1.3"
    )
    assert not context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert context_of(enabled_protocols="TLSv1.3,TLSv1.2").minimum_version is ssl.TLSVersion.TLSv1_2


def test_nothing_private_stays_on_the_disk(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    context_of(keystore_certificate_chain=world.client.chain, keystore_key=world.client.key())
    assert list(tmp_path.iterdir()) == []


def test_secrets_do_not_show(world: World) -> None:
    options = tls_options({"ssl.keystore.key": world.client.key(), "ssl.key.password": "hush"})
    assert "PRIVATE" not in repr(options)
    assert "hush" not in repr(options)
    assert "PRIVATE" not in repr(pem_material(tls_options({"ssl.truststore.certificates": world.authority})))
