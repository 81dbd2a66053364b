"""Large objects in parts: sent side by side, forgotten by S3 when one of them fails or the job is cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from coupler_s3.content import Content
from coupler_s3.s3 import S3
from coupler_s3.threads import Cut

log = logging.getLogger(__name__)

MAX_PARTS: Final = 10_000
_OF_THE_END: Final = frozenset({"IfNoneMatch"})
"""Options that count when the object comes into being, not when its parts are announced."""

Part = dict[str, Any]
SendPart = Callable[[str, int, int, int], Awaitable[Part]]


class Multipart:
    """Sends parts for all jobs; owns what is left to be done when a job does not wait any more."""

    def __init__(self, ending_seconds: float = 10.0) -> None:
        self._ending: set[asyncio.Task[None]] = set()
        self._ending_seconds = ending_seconds

    async def send(self, s3: S3, content: Content, target: dict[str, str], options: dict[str, Any]) -> dict[str, Any]:
        """Makes an object of content."""

        async def part(upload_id: str, number: int, start: int, length: int) -> Part:
            def work(client: Any, cut: Cut) -> Part:
                answer: Part = client.upload_part(
                    **target,
                    UploadId=upload_id,
                    PartNumber=number,
                    Body=content.section(cut, start, length),
                    ContentLength=length,
                    **({"ChecksumAlgorithm": algorithm} if algorithm else {}),
                )
                return answer

            return await s3.within(work)

        algorithm = options.get("ChecksumAlgorithm")
        return await self.assemble(s3, content.size, s3.settings.part_bytes, target, options, part)

    async def assemble(
        self,
        s3: S3,
        size: int,
        part_bytes: int,
        target: dict[str, str],
        options: dict[str, Any],
        send: SendPart,
    ) -> dict[str, Any]:
        """Makes an object of parts that ``send`` puts in place, given upload id, number, start and length."""
        upload_id = await self._begin(s3, target, {k: v for k, v in options.items() if k not in _OF_THE_END})
        try:
            parts = await self._parts(s3, upload_id, size, part_bytes, send)
            end = {k: v for k, v in options.items() if k in _OF_THE_END}
            return await s3.call(
                "complete_multipart_upload",
                {**target, "UploadId": upload_id, "MultipartUpload": {"Parts": parts}, **end},
            )
        except BaseException:
            self._forget(s3, target, upload_id)
            raise

    async def close(self) -> None:
        """Waits a while for what is left to be done."""
        if self._ending:
            await asyncio.wait(self._ending, timeout=self._ending_seconds)

    async def _begin(self, s3: S3, target: dict[str, str], options: dict[str, Any]) -> str:
        def begin(client: Any, cut: Cut) -> str:
            upload_id: str = client.create_multipart_upload(**target, **options)["UploadId"]
            if cut.made:
                client.abort_multipart_upload(**target, UploadId=upload_id)
            return upload_id

        return await s3.within(begin)

    async def _parts(self, s3: S3, upload_id: str, size: int, part_bytes: int, send: SendPart) -> list[Part]:
        length = max(part_bytes, -(-size // MAX_PARTS))
        todo = iter([(n, start, min(length, size - start)) for n, start in enumerate(range(0, size, length), 1)])
        done: dict[int, Part] = {}

        async def some() -> None:
            for number, start, count in todo:
                done[number] = await send(upload_id, number, start, count)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(s3.settings.parts_in_parallel):
                    group.create_task(some())
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None  # the first; the others were cancelled
        return [_completed(number, done[number]) for number in sorted(done)]

    def _forget(self, s3: S3, target: dict[str, str], upload_id: str) -> None:
        async def forget() -> None:
            await s3.call("abort_multipart_upload", {**target, "UploadId": upload_id})

        async def quietly() -> None:
            try:
                await forget()
            except Exception as error:  # noqa: BLE001 - the job has failed already, and has its own reason
                if getattr(error, "code", None) == "NoSuchUpload":
                    return  # it was completed after all, or is gone
                log.warning("Parts of %s may be left in the bucket %s: %s", target["Key"], target["Bucket"], error)

        task = asyncio.get_running_loop().create_task(quietly())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


def _completed(number: int, answer: Part) -> Part:
    part = {"PartNumber": number, "ETag": answer["ETag"]}
    return part | {
        name: value
        for name, value in answer.items()
        if name.startswith("Checksum") and value and name != "ChecksumType"
    }


__all__ = ["MAX_PARTS", "Multipart"]
