"""TLS as Java's properties describe it: PEM texts or files, PKCS#12 stores; JKS stores are refused.

The runtime's own HTTP engine takes PEM texts, Python's ``ssl`` takes files: both are served from the same material.
"""

from __future__ import annotations

import os
import re
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from coupler.sdk import ConnectorError, InputError
from coupler.sdk.http import TlsMaterial

_BLOCK: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_JKS: Final = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")
_VERSIONS: Final = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


@dataclass(slots=True, frozen=True)
class StoreOptions:
    """A trust or key store: texts that stand in the model, or a file with its password."""

    certificates: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    location: str | None = None
    password: str | None = field(default=None, repr=False)
    key_password: str | None = field(default=None, repr=False)


@dataclass(slots=True, frozen=True)
class TlsOptions:
    """What TLS is made of."""

    trust: StoreOptions = StoreOptions()
    identity: StoreOptions = StoreOptions()
    check_hostname: bool = True
    minimum_version: str = "TLSv1.2"


def tls_options(properties: Mapping[str, str], prefix: str = "ssl.") -> TlsOptions:
    """Reads the properties that begin with ``prefix``."""

    def given(name: str) -> str | None:
        value = properties.get(prefix + name)
        return value if value is not None and value.strip() else None

    versions = [each.strip() for each in (given("enabled.protocols") or "").split(",")]
    known = sorted(each for each in versions if each in _VERSIONS)
    return TlsOptions(
        trust=StoreOptions(
            given("truststore.certificates"),
            location=given("truststore.location"),
            password=given("truststore.password"),
        ),
        identity=StoreOptions(
            given("keystore.certificate.chain"),
            given("keystore.key"),
            given("keystore.location"),
            given("keystore.password"),
            given("key.password"),
        ),
        check_hostname=properties.get(f"{prefix}endpoint.identification.algorithm", "https").strip() != "",
        minimum_version=known[0] if known else "TLSv1.2",
    )


def pem_material(options: TlsOptions) -> TlsMaterial:
    """All of it as PEM texts. Reads files and opens PKCS#12 stores: call it in a thread.

    Raises:
        ConnectorError: a file cannot be read, a store cannot be opened.
        InputError: a store of a kind that cannot be used here.
    """
    trusted, _, _ = _load(options.trust, "truststore")
    certificate, key, opened = _load(options.identity, "keystore")
    if (certificate is None) != (key is None):
        raise ConnectorError("ssl.keystore needs both: the certificate chain and the key")
    password = None if opened else options.identity.key_password or options.identity.password
    return TlsMaterial(certificate, key, password if key and "ENCRYPTED" in key else None, trusted)


def ssl_context(options: TlsOptions) -> ssl.SSLContext:
    """A context for the brokers. Call it in a thread.

    Raises:
        ConnectorError: as for ``pem_material``, or certificate and key do not fit.
        InputError: as for ``pem_material``.
    """
    material = pem_material(options)
    try:
        context = ssl.create_default_context(cadata=material.trusted_certificates)
    except (ssl.SSLError, ValueError) as error:
        raise ConnectorError("ssl.truststore holds no certificate that can be read") from error
    context.minimum_version = _VERSIONS[options.minimum_version]
    context.check_hostname = options.check_hostname
    if material.certificate is not None and material.private_key is not None:
        _load_identity(context, material.certificate + material.private_key, material.private_key_password)
    return context


def _load_identity(context: ssl.SSLContext, pem: str, password: str | None) -> None:
    """Through a private file that is gone at once: ``ssl`` reads identities from files only."""
    descriptor, path = tempfile.mkstemp(prefix="coupler-kafka-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(pem)
        # Without a password OpenSSL would ask on the terminal.
        context.load_cert_chain(path, password=password or "")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise ConnectorError(
            "ssl.keystore cannot be used: certificate and key do not fit, or ssl.key.password is wrong"
        ) from error
    finally:
        Path(path).unlink()


def _load(store: StoreOptions, name: str) -> tuple[str | None, str | None, bool]:
    """Certificates, key, and whether the key comes out of an opened store."""
    if store.certificates is not None:
        return _pem(store.certificates), None if store.key is None else _pem(store.key), False
    if store.location is None:
        return None, None, False
    try:
        content = Path(store.location).read_bytes()
    except OSError as error:
        raise ConnectorError(f"ssl.{name}.location cannot be read: {error.strerror}") from error
    if b"-----BEGIN" in content:
        return *_split(content.decode("utf-8", "replace")), False
    if content.startswith(_JKS):
        raise InputError(
            f"ssl.{name}.location is a JKS store, which cannot be read here. Convert it: keytool -importkeystore"
            " -srckeystore FILE -destkeystore FILE.p12 -deststoretype PKCS12, or give PEM"
        )
    return *_pkcs12(content, store.password, name), True


def _pem(text: str) -> str:
    """PEM as it must stand, also from one line, with blanks or ``\\n`` in the place of line ends."""
    if "\n" in text.strip() or "-----BEGIN" not in text:
        return text.strip() + "\n"
    return "".join(_wrapped(kind, body) for kind, body in _BLOCK.findall(text.replace("\\n", " ")))


def _wrapped(kind: str, body: str) -> str:
    data = "".join(body.split())
    lines = [data[start : start + 64] for start in range(0, len(data), 64)]
    return "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""])


def _split(text: str) -> tuple[str | None, str | None]:
    """Certificates and key out of one PEM file."""
    certificates = keys = ""
    for block in _BLOCK.finditer(text):
        if block[1].endswith("CERTIFICATE"):
            certificates += block[0] + "\n"
        elif block[1].endswith("PRIVATE KEY"):
            keys += block[0] + "\n"
    return certificates or None, keys or None


def _pkcs12(content: bytes, password: str | None, name: str) -> tuple[str | None, str | None]:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

    try:
        store = load_pkcs12(content, password.encode() if password else None)
    except ValueError as error:
        raise ConnectorError(
            f"ssl.{name}.location is no PEM file, and as a PKCS#12 store it cannot be opened: ssl.{name}.password"
            " is wrong, or the file is damaged"
        ) from error
    found = [each.certificate for each in (store.cert, *store.additional_certs) if each is not None]
    certificates = "".join(each.public_bytes(Encoding.PEM).decode() for each in found)
    if store.key is None:
        return certificates or None, None
    key = store.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return certificates or None, key


__all__ = ["StoreOptions", "TlsOptions", "pem_material", "ssl_context", "tls_options"]
