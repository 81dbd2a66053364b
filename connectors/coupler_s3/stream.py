"""An object's content on its way from S3: read in threads block by block, taken up again where a connection broke."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from coupler.sdk import ConnectorError
from coupler_s3.s3 import S3, without_none
from coupler_s3.settings import MEBIBYTE
from coupler_s3.threads import Cut, Owned

PIECE_BYTES: Final = MEBIBYTE
_BLOCK_BYTES: Final = 128 * 1024
"""Read at once; between blocks a thread sees that nobody waits any more."""

_BROKEN: Final = (
    "ConnectionClosedError",
    "ConnectionError",
    "IncompleteReadError",
    "ReadTimeoutError",
    "ResponseStreamingError",
)


class ObjectStream:
    """One object. Open it, take ``content`` or ``pieces``, close it."""

    def __init__(self, s3: S3, bucket: str, key: str, version_id: str | None) -> None:
        self._s3 = s3
        self._wanted = without_none({"Bucket": bucket, "Key": key, "VersionId": version_id})
        self._answer: Mapping[str, Any] = {}
        self._body: Owned[Any] | None = None
        self._at = 0
        self._failed_in_a_row = 0
        self.content: bytes | None = None
        self.failure: Exception | None = None

    async def open(self, whole_up_to: int = PIECE_BYTES) -> Mapping[str, Any]:
        """What S3 says of the object. A content of at most ``whole_up_to`` bytes is in ``content`` then."""
        return await self._s3.within(lambda client, cut: self._open(client, cut, whole_up_to))

    async def pieces(self) -> AsyncIterator[bytes]:
        """The content, to be read once. No thread is held between two pieces."""
        try:
            while piece := await self._s3.within(lambda client, cut: self._read(client, cut, PIECE_BYTES)):
                yield piece
        except Exception as error:
            self.failure = error
            raise

    def close(self) -> None:
        """Gives the connection up, as soon as nobody reads from it."""
        if self._body is not None:
            self._body.close()

    def _open(self, client: Any, cut: Cut, whole_up_to: int) -> Mapping[str, Any]:
        self._answer = client.get_object(**self._wanted)
        self._body = _owned(self._answer["Body"])
        size = self._answer.get("ContentLength")
        if size is not None and size <= whole_up_to:
            self.content = self._read(client, cut, size + 1)
            self._body.close()
        elif cut.made:
            self._body.close()
        return self._answer

    def _read(self, client: Any, cut: Cut, count: int) -> bytes:
        try:
            return self._blocks(client, cut, count)
        except BaseException:
            self.close()  # there may be a new connection, of which who gave up knows nothing
            raise

    def _blocks(self, client: Any, cut: Cut, count: int) -> bytes:
        blocks: list[bytes] = []
        while count:
            cut.check()
            block = self._block(client, min(count, _BLOCK_BYTES))
            if block is None:
                continue
            if not block:
                break
            blocks.append(block)
            count -= len(block)
            self._at += len(block)
        return b"".join(blocks)

    def _block(self, client: Any, count: int) -> bytes | None:
        """``None``: the connection broke, and there is a new one."""
        assert self._body is not None
        exceptions: Any = importlib.import_module("botocore.exceptions")
        try:
            with self._body.use() as body:
                block: bytes = body.read(count)
        except tuple(getattr(exceptions, name) for name in _BROKEN):
            self._failed_in_a_row += 1
            if self._failed_in_a_row >= self._s3.settings.attempts:
                raise
            self._take_up_again(client)
            return None
        self._failed_in_a_row = 0
        return block

    def _take_up_again(self, client: Any) -> None:
        """The rest, of the very same content: S3 refuses when the object is another one by now."""
        assert self._body is not None
        self._body.close()
        same = without_none({"IfMatch": self._answer.get("ETag"), "VersionId": self._answer.get("VersionId")})
        if self._at == self._answer.get("ContentLength"):
            raise ConnectorError("The connection broke at the end of the object.", code="CONNECTION_FAILED")
        answer = client.get_object(**{**self._wanted, **same, "Range": f"bytes={self._at}-"})
        self._body = _owned(answer["Body"])


def _owned(body: Any) -> Owned[Any]:
    return Owned(body, lambda each: each.close())


__all__ = ["PIECE_BYTES", "ObjectStream"]
