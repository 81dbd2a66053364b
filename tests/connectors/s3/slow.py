"""An S3 that a test holds back: it reads no further than told, and answers when told."""

from __future__ import annotations

import asyncio
import re
from types import TracebackType

from tests.listener import Listener


class SlowS3:
    """Serves on a free port. ``begun`` has the start lines of requests whose heads have come.

    What ``hold`` matches waits for ``go_on``; ``cut`` has the requests whose bodies broke off.
    """

    def __init__(self, hold: str) -> None:
        self._hold = re.compile(hold)
        self.begun: list[str] = []
        self.cut: list[str] = []
        self.go_on = asyncio.Event()
        self._listener = Listener(self._serve)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.port}"

    async def until_begun(self, pattern: str, count: int = 1) -> None:
        """Waits for requests; the limit is far above what it takes."""
        async with asyncio.timeout(30):
            while sum(1 for line in self.begun if re.match(pattern, line)) < count:
                await asyncio.sleep(0.005)

    async def __aenter__(self) -> SlowS3:
        await self._listener.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._listener.__aexit__(kind, error, trace)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await self._answer(reader, writer):
            pass

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return False
        line = head.partition(" HTTP/")[0]
        self.begun.append(line)
        if "100-continue" in head.lower():
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self._hold.match(line):
            await self.go_on.wait()
        found = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        left = int(found[1]) if found else 0
        while left:
            piece = await reader.read(min(left, 65536))
            if not piece:
                self.cut.append(line)
                return False
            left -= len(piece)
        writer.write(_answer_to(line))
        await writer.drain()
        return True


def _answer_to(line: str) -> bytes:
    if line.startswith("DELETE"):
        return b"HTTP/1.1 204 No Content\r\n\r\n"
    body = b""
    if line.startswith("POST") and "uploadId" not in line:
        body = b"<InitiateMultipartUploadResult><UploadId>up-1</UploadId></InitiateMultipartUploadResult>"
    elif line.startswith("POST"):
        body = b'<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>'
    elif line.startswith("GET"):
        body = b"x" * 3_000_000
    return b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: %d\r\n\r\n' % len(body) + body
