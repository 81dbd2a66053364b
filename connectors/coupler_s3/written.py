"""How an object is to be kept, in the words of S3."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from coupler.sdk import InputError
from coupler_s3.actions import Written
from coupler_s3.s3 import without_none


def written(action: Written, content_type: str | None) -> dict[str, Any]:
    """The parameters of the call that makes the object.

    Raises:
        InputError: a text that travels in a header has a character that headers cannot have.
    """
    parameters = without_none(
        {
            "ContentType": content_type,
            "Metadata": action.metadata or None,
            "StorageClass": action.storage_class,
            "ServerSideEncryption": action.server_side_encryption,
            "SSEKMSKeyId": action.kms_key_id,
        }
    )
    _check(parameters)
    parameters |= without_none(
        {
            "Tagging": urlencode(action.tags) if action.tags else None,
            "ChecksumAlgorithm": action.checksum_algorithm,
            "IfNoneMatch": "*" if action.only_if_absent else None,
        }
    )
    return parameters


def _check(parameters: dict[str, Any]) -> None:
    for name, value in parameters.items():
        for text in (*value.keys(), *value.values()) if isinstance(value, dict) else (value,):
            if not text.isascii() or not text.isprintable():
                raise InputError(
                    f"{name} of the object is sent in a header, which has printable ASCII characters only; "
                    f"{_first_other(text)!r} is none."
                )


def _first_other(text: str) -> str:
    return next(character for character in text if not character.isascii() or not character.isprintable())


__all__ = ["written"]
