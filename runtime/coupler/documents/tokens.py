"""Links that need no credentials: a document's id and an end, signed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from coupler import json


def sign(key: bytes, document_id: str, expires_at: float) -> str:
    """A token for a URL; ``expires_at`` in seconds since the epoch."""
    payload = json.dump_bytes([document_id, expires_at])
    return base64.urlsafe_b64encode(_signature(key, payload) + payload).decode("ascii").rstrip("=")


def verified(key: bytes, token: str, now: float) -> str | None:
    """The document's id, ``None`` when the token is forged or has ended."""
    try:
        signed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    signature, payload = signed[:32], signed[32:]
    if not hmac.compare_digest(signature, _signature(key, payload)):
        return None
    document_id, expires_at = json.loads(payload)
    return str(document_id) if now < float(expires_at) else None


def _signature(key: bytes, payload: bytes) -> bytes:
    return hmac.new(key, payload, hashlib.sha256).digest()


__all__ = ["sign", "verified"]
