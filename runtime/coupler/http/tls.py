"""TLS contexts from PEM text, one for each distinct material.

``ssl`` reads a client identity from files only, so it passes through a private temporary file that is gone before the
call goes out.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections import OrderedDict
from typing import Final

from coupler.errors import InputError
from coupler.http.messages import TlsMaterial

MAX_CONTEXTS: Final = 200

INCOMPLETE: Final = (
    "mTLS client authentication requires both a client certificate and a private key; only one was provided."
)
UNUSABLE: Final = "Failed to build SSL context for mTLS from the provided certificate material"


def _normalized(text: str | None) -> str | None:
    return text if text is not None and text.strip() else None


def normalize(material: TlsMaterial) -> TlsMaterial | None:
    """Blank parts count as absent; ``None`` when nothing is left.

    Raises:
        InputError: a certificate without its key, or a key without its certificate.
    """
    certificate, key = _normalized(material.certificate), _normalized(material.private_key)
    trusted = _normalized(material.trusted_certificates)
    if (certificate is None) != (key is None):
        raise InputError(INCOMPLETE)
    if certificate is None and trusted is None:
        return None
    return TlsMaterial(certificate, key, _normalized(material.private_key_password), trusted)


def _load_identity(context: ssl.SSLContext, material: TlsMaterial) -> None:
    assert material.certificate is not None
    assert material.private_key is not None
    password = material.private_key_password or ""
    descriptor, path = tempfile.mkstemp(prefix="coupler-", suffix=".pem")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii", errors="strict") as file:
            file.write(f"{material.certificate.strip()}\n{material.private_key.strip()}\n")
        # Without a callback OpenSSL would ask the terminal for the password of an encrypted key.
        context.load_cert_chain(path, password=lambda: password)
    finally:
        os.unlink(path)


def build_context(material: TlsMaterial) -> ssl.SSLContext:
    """Builds a verifying client context.

    Raises:
        InputError: the material is not usable; details are kept out of the text.
    """
    try:
        if material.trusted_certificates is None:
            context = ssl.create_default_context()
        else:
            context = ssl.create_default_context(cadata=material.trusted_certificates)
        context.set_alpn_protocols(["http/1.1"])
        if material.certificate is not None:
            _load_identity(context, material)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise InputError(UNUSABLE) from error
    return context


class TlsContexts:
    """Contexts by material, the most recently used kept.

    The pool keeps connections of different contexts apart, so two identities never share one.
    """

    def __init__(self, limit: int = MAX_CONTEXTS) -> None:
        self._limit = limit
        self._contexts: OrderedDict[TlsMaterial, ssl.SSLContext] = OrderedDict()

    def get(self, material: TlsMaterial | None) -> ssl.SSLContext | None:
        """The context for ``material``; ``None`` stands for the default one.

        Raises:
            InputError: the material is incomplete or not usable.
        """
        if material is None:
            return None
        wanted = normalize(material)
        if wanted is None:
            return None
        context = self._contexts.get(wanted)
        if context is None:
            context = self._contexts[wanted] = build_context(wanted)
            if len(self._contexts) > self._limit:
                self._contexts.popitem(last=False)
        else:
            self._contexts.move_to_end(wanted)
        return context


__all__ = ["TlsContexts", "build_context", "normalize"]
