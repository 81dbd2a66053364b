"""Content on its way to S3: in memory while it is small and there is room, in a temporary file from there on."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import AsyncIterable
from pathlib import Path
from typing import IO, Any, Final

from coupler.sdk import ConnectorError
from coupler_s3.settings import MEBIBYTE
from coupler_s3.threads import Cut, Owned, Threads

WRITE_BYTES: Final = MEBIBYTE
"""What is gathered before a thread writes it."""


class Section(io.RawIOBase):
    """A part of some content as a file of its own, which botocore reads, measures, and rewinds for another attempt.

    Sections of one file can be read by many threads at the same time: they share no position.
    """

    def __init__(self, content: Content, start: int, length: int, cut: Cut) -> None:
        super().__init__()
        self._content = content
        self._start = start
        self._length = length
        self._cut = cut
        self._at = 0

    def __len__(self) -> int:
        return self._length

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where in the section the next read starts."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves within the section."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer, as far as the section goes.

        Raises:
            CutShort: nobody waits for what is done with it.
        """
        self._cut.check()
        view = memoryview(buffer).cast("B")
        count = min(len(view), max(0, self._length - self._at))
        done = self._content.read_at(self._start + self._at, view[:count])
        self._at += done
        return done


class Content:
    """Content of a known size that can be read anywhere, again and again. Close it."""

    def __init__(self, memory: bytearray, file: Owned[IO[bytes]] | None, size: int) -> None:
        self._memory = memoryview(memory)
        self._file = file
        self.size = size

    def read_at(self, position: int, buffer: memoryview) -> int:
        """Fills the buffer with what stands at a position; how many bytes there were."""
        if self._file is not None:
            with self._file.use() as file:
                return os.preadv(file.fileno(), [buffer], position)
        piece = self._memory[position : position + len(buffer)]
        buffer[: len(piece)] = piece
        return len(piece)

    def section(self, cut: Cut, start: int = 0, length: int | None = None) -> Section:
        """A part of it, or all of it, as a file."""
        return Section(self, start, self.size - start if length is None else length, cut)

    def whole(self) -> bytes:
        """All of it; for small contents."""
        found = bytearray(self.size)
        self.read_at(0, memoryview(found))
        return bytes(found)


class Budget:
    """The memory that the contents of all jobs may take together."""

    def __init__(self, total_bytes: int) -> None:
        self._total_bytes = total_bytes
        self.taken_bytes = 0

    def take(self, count: int) -> bool:
        """Whether there is so much left; then it is taken."""
        if self.taken_bytes + count > self._total_bytes:
            return False
        self.taken_bytes += count
        return True

    def give_back(self, count: int) -> None:
        """What is not needed any more."""
        self.taken_bytes -= count


class Gathering:
    """Takes pieces and gives ``Content``. Close it when the content is not needed any more."""

    def __init__(self, threads: Threads, budget: Budget, memory_bytes: int, folder: Path | None) -> None:
        self._threads = threads
        self._budget = budget
        self._taken_bytes = 0
        self._memory_bytes = memory_bytes
        self._folder = folder
        self._waiting = bytearray()
        self._size = 0
        self._file: Owned[IO[bytes]] | None = None

    async def gather(self, pieces: AsyncIterable[bytes]) -> Content:
        """Reads everything; what it raises is what the pieces raise.

        Raises:
            ConnectorError: the temporary file cannot be written.
        """
        async for piece in pieces:
            self._waiting += piece
            self._size += len(piece)
            if self._must_be_written(len(piece)):
                await self._write()
        if self._file is not None:
            await self._write()
        return Content(self._waiting, self._file, self._size)

    def _must_be_written(self, more: int) -> bool:
        if self._file is not None:
            return len(self._waiting) >= WRITE_BYTES
        if self._size > self._memory_bytes or not self._budget.take(more):
            return True
        self._taken_bytes += more
        return False

    def _give_back(self) -> None:
        self._budget.give_back(self._taken_bytes)
        self._taken_bytes = 0

    def close(self) -> None:
        """Removes the temporary file; in a thread, because freeing a large one takes its time."""
        self._give_back()
        if self._file is not None:
            self._threads.start(self._file.close)

    async def _write(self) -> None:
        waiting, self._waiting = self._waiting, bytearray()
        if self._file is None:
            self._file = await self._threads.run(lambda _: self._opened())
        file = self._file
        await self._threads.run(lambda _: _write(file, waiting))
        self._give_back()

    def _opened(self) -> Owned[IO[bytes]]:
        try:
            file = tempfile.TemporaryFile(buffering=0, prefix="coupler-s3-", dir=self._folder)  # noqa: SIM115
        except OSError as error:
            raise _no_file(error) from error
        return Owned[IO[bytes]](file, lambda each: each.close())


def _write(owned: Owned[IO[bytes]], content: bytearray) -> None:
    with owned.use() as file:
        view = memoryview(content)
        try:
            while view:
                view = view[file.write(view) :]
        except OSError as error:
            raise _no_file(error) from error


def _no_file(error: OSError) -> ConnectorError:
    return ConnectorError(
        f"The document is too large for memory, and it cannot be put into a temporary file: {error.strerror}. "
        "The folder for these is set with COUPLER_CONNECTORS__S3__TEMPORARY_FOLDER.",
        code="NO_TEMPORARY_FILE",
    )


__all__ = ["Budget", "Content", "Gathering", "Section"]
