"""What S3 says of an object, in the words of the response."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

_FACTS: Final = (
    ("ContentLength", "size"),
    ("ContentType", "contentType"),
    ("LastModified", "lastModified"),
    ("VersionId", "versionId"),
    ("StorageClass", "storageClass"),
    ("ServerSideEncryption", "serverSideEncryption"),
    ("SSEKMSKeyId", "kmsKeyId"),
    ("Metadata", "metadata"),
    ("TagCount", "tagCount"),
    ("DeleteMarker", "deleteMarker"),
)
_CHECKSUMS: Final = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")


def facts(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that an answer has; ``eTag`` without its quotation marks, moments in ISO 8601."""
    found: dict[str, Any] = {}
    if answer.get("ETag"):
        found["eTag"] = answer["ETag"].strip('"')
    for name, ours in _FACTS:
        value = answer.get(name)
        if value is not None:
            found[ours] = moment(value) if isinstance(value, datetime) else value
    checksums = {name: answer[f"Checksum{name}"] for name in _CHECKSUMS if answer.get(f"Checksum{name}")}
    if checksums:
        found["checksums"] = checksums
    return found


def moment(value: datetime) -> str:
    """A moment in ISO 8601, in UTC."""
    return value.isoformat(timespec="seconds").replace("+00:00", "Z")


__all__ = ["facts", "moment"]
