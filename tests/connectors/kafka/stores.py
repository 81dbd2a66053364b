"""Keys and certificates of a small world: an authority, a server, a client, and a stranger's authority."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    PKCS12Certificate,
    serialize_java_truststore,
    serialize_key_and_certificates,
)

PASSWORD: Final = "changeit"


class Identity:
    """A certificate and its key in every form that Kafka's properties know."""

    def __init__(self, certificate: trustme.LeafCert) -> None:
        self.chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems).decode()
        self._key = load_pem_private_key(certificate.private_key_pem.bytes(), None)

    def key(self, password: str | None = None) -> str:
        """PKCS#8, which is what Kafka's own PEM stores want."""
        how: KeySerializationEncryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how).decode()

    def pkcs12(self) -> bytes:
        """A key store."""
        certificate = x509.load_pem_x509_certificate(self.chain.encode())
        assert isinstance(self._key, EllipticCurvePrivateKey)
        return serialize_key_and_certificates(
            b"client", self._key, certificate, None, BestAvailableEncryption(PASSWORD.encode())
        )


class World:
    """All of them."""

    def __init__(self) -> None:
        authority = trustme.CA()
        self.authority = authority.cert_pem.bytes().decode()
        self.stranger = trustme.CA().cert_pem.bytes().decode()
        self.server = Identity(authority.issue_cert("localhost", "127.0.0.1"))
        self.client = Identity(authority.issue_cert("client@example.com"))

    def trust_store(self) -> bytes:
        """The authority as a PKCS#12 trust store as keytool writes it."""
        certificate = PKCS12Certificate(x509.load_pem_x509_certificate(self.authority.encode()), b"authority")
        return serialize_java_truststore([certificate], BestAvailableEncryption(PASSWORD.encode()))

    def for_broker(self, folder: Path) -> Mapping[str, Path]:
        """The files that a broker reads."""
        server, authority = folder / "server.pem", folder / "authority.pem"
        server.write_text(self.server.key() + self.server.chain)
        authority.write_text(self.authority)
        return {"server": server, "authority": authority}
