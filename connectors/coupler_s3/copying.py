"""An object becomes another one, without passing through here; in parts when it is too large for one call."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from coupler.sdk import ConnectorError
from coupler_s3.actions import Copy
from coupler_s3.answers import facts
from coupler_s3.multipart import Multipart, Part
from coupler_s3.s3 import S3, without_none
from coupler_s3.written import written

AT_ONCE_BYTES: Final = 5 * 1024**3
"""S3 copies no more in one call, and says InvalidRequest then."""

PART_BYTES: Final = 512 * 1024**2
_TOO_LARGE: Final = frozenset({"InvalidRequest", "EntityTooLarge"})
_KEPT: Final = ("ContentType", "Metadata", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage")


async def copy(action: Copy, s3: S3, multipart: Multipart) -> dict[str, Any]:
    """Makes an object of another one. Metadata, type and tags are the source's where the model says nothing of them."""
    source = without_none(
        {
            "Bucket": action.source_bucket or action.bucket,
            "Key": action.source_key,
            "VersionId": action.source_version_id,
        }
    )
    options = written(action, action.content_type)
    try:
        answer = await _at_once(action, s3, source, options)
    except ConnectorError as error:
        if error.code not in _TOO_LARGE:
            raise
        known = await s3.call("head_object", source)
        if known["ContentLength"] <= AT_ONCE_BYTES:
            raise
        answer = await _in_parts(action, s3, multipart, source, known, options)
    return {"bucket": action.bucket, "key": action.key, **facts(answer)}


async def _at_once(action: Copy, s3: S3, source: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    replaced = {
        "MetadataDirective": "REPLACE" if action.metadata or action.content_type else None,
        "TaggingDirective": "REPLACE" if action.tags else None,
    }
    target = {"Bucket": action.bucket, "Key": action.key, "CopySource": source}
    answer = await s3.call("copy_object", target | options | replaced)
    made: dict[str, Any] = answer.get("CopyObjectResult", {})
    return answer | made


async def _in_parts(
    action: Copy,
    s3: S3,
    multipart: Multipart,
    source: dict[str, Any],
    known: dict[str, Any],
    options: dict[str, Any],
) -> dict[str, Any]:
    target = {"Bucket": action.bucket, "Key": action.key}
    same = {"CopySourceIfMatch": known.get("ETag")}

    async def part(upload_id: str, number: int, start: int, length: int) -> Part:
        answer = await s3.call(
            "upload_part_copy",
            {
                **target,
                "UploadId": upload_id,
                "PartNumber": number,
                "CopySource": source,
                "CopySourceRange": f"bytes={start}-{start + length - 1}",
                **same,
            },
        )
        made: Part = answer["CopyPartResult"]
        return made

    replaced = action.metadata or action.content_type
    kept = {} if replaced else {name: known[name] for name in _KEPT if known.get(name)}
    if not action.tags and known.get("TagCount"):
        kept["Tagging"] = await _tags(s3, source)
    return await multipart.assemble(s3, known["ContentLength"], PART_BYTES, target, kept | options, part)


async def _tags(s3: S3, source: dict[str, Any]) -> str:
    answer = await s3.call("get_object_tagging", source)
    return urlencode({tag["Key"]: tag["Value"] for tag in answer["TagSet"]})


__all__ = ["copy"]
