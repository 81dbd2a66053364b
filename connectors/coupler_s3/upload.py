"""A document becomes an object: in one call, or in parts when it is large."""

from __future__ import annotations

from typing import Any, Final

from coupler.sdk import InputError
from coupler_s3.actions import Upload
from coupler_s3.answers import facts
from coupler_s3.content import Budget, Content, Gathering
from coupler_s3.multipart import Multipart
from coupler_s3.s3 import S3
from coupler_s3.threads import Cut
from coupler_s3.written import written

_AT_ONCE_BYTES: Final = 256 * 1024


async def upload(action: Upload, s3: S3, multipart: Multipart, budget: Budget) -> dict[str, Any]:
    """Stores the document; the response names the key that it has, also where the model named none."""
    settings, document = s3.settings, action.document
    gathering = Gathering(s3.threads, budget, settings.memory_bytes, settings.temporary_folder)
    try:
        content = await gathering.gather(document.stream())
        key = action.key or document.file_name  # what an external document is called is known now
        if not key:
            raise InputError("action.key is not set, and the document has no file name to take in its place.")
        target = {"Bucket": action.bucket, "Key": key}
        options = written(action, action.content_type or document.content_type)
        if content.size >= settings.multipart_bytes:
            answer = await multipart.send(s3, content, target, options)
        else:
            answer = await _put(s3, content, target | options)
    finally:
        gathering.close()
    link = await s3.within(lambda client, _: _link(client, target))
    return {"bucket": action.bucket, "key": key, "link": link, "size": content.size, **facts(answer)}


async def _put(s3: S3, content: Content, parameters: dict[str, Any]) -> dict[str, Any]:
    def put(client: Any, cut: Cut) -> dict[str, Any]:
        # For a file botocore asks with "Expect: 100-continue" first, which is one more way there and back.
        body = content.whole() if content.size <= _AT_ONCE_BYTES else content.section(cut)
        answer: dict[str, Any] = client.put_object(**parameters, Body=body, ContentLength=content.size)
        return answer

    return await s3.within(put)


def _link(client: Any, target: dict[str, str]) -> str:
    """The object's address, encoded, where this client would ask for it; it opens for who may read the object."""
    signed: str = client.generate_presigned_url("get_object", Params=target, ExpiresIn=60)
    return signed.partition("?")[0]


__all__ = ["upload"]
