"""TLS and client certificates, against a real TLS server."""

from __future__ import annotations

import asyncio
import glob
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from coupler.errors import InputError
from coupler.http.engine import Engine
from coupler.http.messages import HttpRequest, TlsMaterial, TransportError, TransportFault
from coupler.http.tls import TlsContexts, build_context, normalize
from tests.http.server import Received, Server, always, reply


class Authority:
    """A certificate authority with a server context and client certificates."""

    def __init__(self) -> None:
        self.ca = trustme.CA()
        self.pem = self.ca.cert_pem.bytes().decode()
        identity = self.ca.issue_cert("127.0.0.1", "localhost")
        self.server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        identity.configure_cert(self.server)
        self.ca.configure_trust(self.server)

    def client(self, name: str = "client@example.org") -> trustme.LeafCert:
        return self.ca.issue_cert(name)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def mutual(authority: Authority) -> Iterator[ssl.SSLContext]:
    authority.server.verify_mode = ssl.CERT_REQUIRED
    yield authority.server
    authority.server.verify_mode = ssl.CERT_NONE


def chain(leaf: trustme.LeafCert) -> str:
    return "".join(part.bytes().decode() for part in leaf.cert_chain_pems)


def key(leaf: trustme.LeafCert) -> str:
    return leaf.private_key_pem.bytes().decode()


def encrypted_key(leaf: trustme.LeafCert, password: str) -> str:
    loaded = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
    return loaded.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password.encode()),
    ).decode()


async def test_a_trusted_server(engine: Engine, authority: Authority) -> None:
    material = TlsMaterial(trusted_certificates=authority.pem)
    async with Server(always(reply(body="safe")), authority.server) as server:
        response = await engine.send(HttpRequest("GET", server.url, tls=material))
    assert response.body == b"safe"


async def test_a_server_of_an_unknown_authority(engine: Engine, authority: Authority) -> None:
    async with Server(always(reply()), authority.server) as server:
        with pytest.raises(TransportError, match=r"unable to get local issuer certificate|self-signed") as caught:
            await engine.send(HttpRequest("POST", server.url, body=b"secret"))
        assert server.requests == []
    assert caught.value.fault is TransportFault.TLS


async def test_given_authorities_replace_the_default_ones(engine: Engine, authority: Authority) -> None:
    material = TlsMaterial(trusted_certificates=trustme.CA().cert_pem.bytes().decode())
    async with Server(always(reply()), authority.server) as server:
        with pytest.raises(TransportError) as caught:
            await engine.send(HttpRequest("GET", server.url, tls=material))
    assert caught.value.fault is TransportFault.TLS


async def test_the_name_in_the_certificate_counts(engine: Engine) -> None:
    other = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    other.issue_cert("elsewhere.example").configure_cert(context)
    material = TlsMaterial(trusted_certificates=other.cert_pem.bytes().decode())
    async with Server(always(reply()), context) as server:
        with pytest.raises(TransportError, match=r"not valid for '127\.0\.0\.1'|IP address mismatch") as caught:
            await engine.send(HttpRequest("GET", server.url, tls=material))
    assert caught.value.fault is TransportFault.TLS


async def test_plain_http_on_a_tls_port_and_the_other_way_round(engine: Engine, authority: Authority) -> None:
    async with Server(always(reply()), authority.server) as server:
        with pytest.raises(TransportError):
            await engine.send(HttpRequest("GET", f"http://127.0.0.1:{server.port}"))

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(reply(400))
        writer.close()

    listener = await asyncio.start_server(plain, "127.0.0.1", 0)
    with pytest.raises(TransportError) as caught:
        await engine.send(HttpRequest("GET", f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"))
    listener.close()
    assert caught.value.fault is TransportFault.TLS


async def test_a_client_certificate_is_shown(engine: Engine, authority: Authority, mutual: ssl.SSLContext) -> None:
    leaf = authority.client()
    material = TlsMaterial(chain(leaf), key(leaf), trusted_certificates=authority.pem)
    async with Server(always(reply(body="known")), mutual) as server:
        response = await engine.send(HttpRequest("GET", server.url, tls=material))
    assert response.body == b"known"
    assert server.last.peer_certificate


async def test_without_a_client_certificate(engine: Engine, authority: Authority, mutual: ssl.SSLContext) -> None:
    material = TlsMaterial(trusted_certificates=authority.pem)
    async with Server(always(reply()), mutual) as server:
        with pytest.raises(TransportError) as caught:
            await engine.send(HttpRequest("GET", server.url, tls=material))
    assert caught.value.fault in (TransportFault.TLS, TransportFault.DISCONNECTED)


@pytest.mark.parametrize("password", ["open sesame", "päss"])
async def test_an_encrypted_key(engine: Engine, authority: Authority, mutual: ssl.SSLContext, password: str) -> None:
    leaf = authority.client()
    material = TlsMaterial(chain(leaf), encrypted_key(leaf, password), password, authority.pem)
    async with Server(always(reply()), mutual) as server:
        assert (await engine.send(HttpRequest("GET", server.url, tls=material))).status == 200


@pytest.mark.parametrize("form", [serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8])
@pytest.mark.parametrize("kind", [trustme.KeyType.RSA, trustme.KeyType.ECDSA])
def test_forms_of_keys(kind: trustme.KeyType, form: serialization.PrivateFormat) -> None:
    leaf = trustme.CA(key_type=kind).issue_cert("client@example.org", key_type=kind)
    loaded = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
    pem = loaded.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    assert build_context(TlsMaterial(chain(leaf), pem)).verify_mode is ssl.CERT_REQUIRED


def test_a_blank_password_is_none(authority: Authority) -> None:
    leaf = authority.client()
    material = normalize(TlsMaterial(chain(leaf), key(leaf), "  "))
    assert material is not None
    assert material.private_key_password is None
    build_context(material)


@pytest.mark.parametrize("blank", ["", "  \n", None])
def test_blank_material_is_the_default_trust(blank: str | None) -> None:
    assert TlsContexts().get(TlsMaterial(blank, blank, "unused", blank)) is None


@pytest.mark.parametrize("part", ["certificate", "key"])
def test_half_an_identity(authority: Authority, part: str) -> None:
    leaf = authority.client()
    material = TlsMaterial(certificate=chain(leaf)) if part == "certificate" else TlsMaterial(private_key=key(leaf))
    with pytest.raises(InputError, match="requires both a client certificate and a private key"):
        normalize(material)


@pytest.mark.parametrize("broken", ["certificate", "key", "password", "mismatch", "trust"])
def test_material_that_cannot_be_used(authority: Authority, broken: str) -> None:
    leaf = authority.client()
    material = {
        "certificate": TlsMaterial("no PEM", key(leaf)),
        "key": TlsMaterial(chain(leaf), "no PEM"),
        "password": TlsMaterial(chain(leaf), encrypted_key(leaf, "right"), "wrong"),
        "mismatch": TlsMaterial(chain(leaf), key(authority.client())),
        "trust": TlsMaterial(trusted_certificates="no PEM"),
    }[broken]
    with pytest.raises(InputError) as caught:
        build_context(material)
    assert str(caught.value) == "Failed to build SSL context for mTLS from the provided certificate material"


def test_no_key_is_left_on_the_disk(authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: list[int] = []
    original = ssl.SSLContext.load_cert_chain

    def spy(self: ssl.SSLContext, path: str, password: object = None) -> None:
        seen.append(Path(path).stat().st_mode & 0o777)
        original(self, path, password=password)  # type: ignore[arg-type]

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", spy)
    leaf = authority.client()
    build_context(TlsMaterial(chain(leaf), key(leaf)))
    with pytest.raises(InputError):
        build_context(TlsMaterial(chain(leaf), "no PEM"))
    assert seen == [0o600, 0o600]
    assert glob.glob(f"{tmp_path}/*") == []


def test_contexts_are_kept_by_material(authority: Authority) -> None:
    contexts = TlsContexts(limit=2)
    leaf = authority.client()
    first = TlsMaterial(chain(leaf), key(leaf))
    kept = contexts.get(first)
    assert contexts.get(TlsMaterial(chain(leaf), key(leaf), "")) is kept
    trust = [TlsMaterial(trusted_certificates=trustme.CA().cert_pem.bytes().decode()) for _ in range(2)]
    assert contexts.get(trust[0]) is not contexts.get(trust[1])
    assert contexts.get(first) is not kept, "the least recently used has made room"


async def test_identities_do_not_share_connections(
    engine: Engine, authority: Authority, mutual: ssl.SSLContext
) -> None:
    async def who(request: Received, writer: object) -> bytes:
        return reply(body=str(request.peer_certificate))

    materials = []
    for name in ("one@example.org", "two@example.org"):
        leaf = authority.client(name)
        materials.append(TlsMaterial(chain(leaf), key(leaf), trusted_certificates=authority.pem))
    async with Server(who, mutual) as server:
        for _ in range(2):
            for shown, material in zip((b"one@", b"two@"), materials, strict=True):
                assert shown in (await engine.send(HttpRequest("GET", server.url, tls=material))).body
    assert server.connections == 2


async def test_an_identity_does_not_follow_to_another_origin(
    engine: Engine, authority: Authority, mutual: ssl.SSLContext
) -> None:
    leaf = authority.client()
    material = TlsMaterial(chain(leaf), key(leaf), trusted_certificates=authority.pem)
    optional = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.ca.issue_cert("127.0.0.1").configure_cert(optional)
    authority.ca.configure_trust(optional)
    optional.verify_mode = ssl.CERT_OPTIONAL
    async with Server(always(reply(body="other")), optional) as other:
        moved = reply(302, headers=[("Location", other.url)])
        async with Server(always(moved), mutual) as server:
            response = await engine.send(HttpRequest("GET", server.url, tls=material, follow_redirects=True))
    assert response.body == b"other"
    assert not other.last.peer_certificate
