"""Actions that move no content through here: delete, look up, list, presign."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from coupler.sdk import InputError
from coupler_s3.actions import Delete, Head, ListObjects, Presign
from coupler_s3.answers import facts, moment
from coupler_s3.s3 import S3, without_none

_PAGE: Final = 1000
"""S3 gives no more at once."""


async def delete(action: Delete, s3: S3) -> dict[str, Any]:
    """Deletes an object; one that is not there is deleted already."""
    answer = await s3.call(
        "delete_object", {"Bucket": action.bucket, "Key": action.key, "VersionId": action.version_id}
    )
    return {"bucket": action.bucket, "key": action.key, **facts(answer)}


async def head(action: Head, s3: S3) -> dict[str, Any]:
    """What S3 knows of an object."""
    wanted = {"Bucket": action.bucket, "Key": action.key, "VersionId": action.version_id}
    answer = await s3.call("head_object", {**wanted, "ChecksumMode": "ENABLED"})
    return {"bucket": action.bucket, "key": action.key, **facts(answer)}


async def list_objects(action: ListObjects, s3: S3) -> dict[str, Any]:
    """Objects in the order of their keys, page after page up to the limit."""
    objects: list[dict[str, Any]] = []
    prefixes: list[str] = []
    token = action.continuation_token
    while True:
        page = await s3.call(
            "list_objects_v2",
            {
                "Bucket": action.bucket,
                "Prefix": action.prefix,
                "Delimiter": action.delimiter or None,
                "MaxKeys": min(_PAGE, action.limit - len(objects) - len(prefixes)),
                "ContinuationToken": token,
            },
        )
        objects.extend(_listed(each) for each in page.get("Contents", ()))
        prefixes.extend(each["Prefix"] for each in page.get("CommonPrefixes", ()))
        token = page.get("NextContinuationToken") if page.get("IsTruncated") else None
        if token is None or len(objects) + len(prefixes) >= action.limit:
            break
    response: dict[str, Any] = {"bucket": action.bucket, "objects": objects, "prefixes": prefixes}
    return response | {"truncated": token is not None, "continuationToken": token}


def _listed(each: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"key": each["Key"], "size": each["Size"], "eTag": each.get("ETag", "").strip('"')}
    if "LastModified" in each:
        found["lastModified"] = moment(each["LastModified"])
    if each.get("StorageClass"):
        found["storageClass"] = each["StorageClass"]
    return found


async def presign(action: Presign, s3: S3) -> dict[str, Any]:
    """A signed URL. Nothing is asked of S3: whether the object is there shows when the URL is used."""
    seconds, longest = action.expires_in_seconds, s3.settings.max_presigned_seconds
    if seconds > longest:
        raise InputError(f"action.expiresInSeconds is {seconds}, and this runtime allows {longest} at most.")
    operation, parameters = _presigned(action)
    ends_at = datetime.fromtimestamp(int(time.time()) + seconds, UTC)
    url = await s3.within(
        lambda client, _: client.generate_presigned_url(operation, Params=without_none(parameters), ExpiresIn=seconds)
    )
    response = {"bucket": action.bucket, "key": action.key, "url": url, "method": action.method}
    headers = {"Content-Type": action.content_type} if action.method == "PUT" and action.content_type else {}
    return {**response, "headers": headers, "expiresAt": moment(ends_at)}


def _presigned(action: Presign) -> tuple[str, dict[str, str | None]]:
    target: dict[str, str | None] = {"Bucket": action.bucket, "Key": action.key}
    if action.method == "PUT":
        return "put_object", target | {"ContentType": action.content_type}
    name = action.file_name
    disposition = None if name is None else f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return "get_object", target | {"VersionId": action.version_id, "ResponseContentDisposition": disposition}


__all__ = ["delete", "head", "list_objects", "presign"]
