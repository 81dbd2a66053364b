"""Jobs that are cancelled while their transfer is under way, and what is left of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.s3.worker import working
from coupler.testing import FailCommand
from coupler_s3 import S3Connector
from tests.connectors.kit import Bench
from tests.connectors.s3.kit import configured, inline
from tests.connectors.s3.slow import SlowS3

MIB = 1024 * 1024


def variables(url: str, action: str, **given: Any) -> dict[str, Any]:
    return {
        "actionDiscriminator": action,
        "authentication": {"accessKey": "AK", "secretKey": "SK"},
        "configuration": {"region": "r", "endpoint": url, "addressingStyle": "path"},
        "action": {"bucket": "orders", "key": "k", **given},
        "documentReturnFormat": {"choice": "DOCUMENT"},
    }


async def until(condition: Callable[[], bool]) -> None:
    """Waits; the limit is far above what it takes."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancels; the job is over at once, whatever its thread does."""
    task.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_an_upload_that_is_cancelled_stops_sending(bench: Bench) -> None:
    await configured(bench, threads=1, memory_bytes=1000)
    document = await bench.documents.create(b"x" * 32 * MIB)
    async with SlowS3("PUT /orders/k") as server:
        job = asyncio.create_task(bench.run(variables(server.url, "uploadObject", document=document.reference())))
        await server.until_begun("PUT /orders/k")
        await cancelled(job)
        server.go_on.set()
        # The one thread is free again as soon as it wants to send more.
        async with asyncio.timeout(30):
            await bench.run(variables(server.url, "deleteObject"))
        await until(lambda: server.cut == ["PUT /orders/k"])
        assert [line for line in server.begun if line.startswith("PUT")] == ["PUT /orders/k"]  # not tried again


async def test_a_job_that_is_cancelled_before_its_turn_asks_nothing(bench: Bench) -> None:
    await configured(bench, threads=1)
    async with SlowS3("DELETE /orders/first") as server:
        first = asyncio.create_task(bench.run(variables(server.url, "deleteObject", key="first")))
        await server.until_begun("DELETE /orders/first")
        second = asyncio.create_task(bench.run(variables(server.url, "deleteObject", key="second")))
        await asyncio.sleep(0)
        await cancelled(second)
        server.go_on.set()
        await first
        await bench.run(variables(server.url, "deleteObject", key="third"))
        assert server.begun == ["DELETE /orders/first", "DELETE /orders/third"]


async def test_parts_of_an_upload_that_is_cancelled_are_forgotten(bench: Bench) -> None:
    await configured(bench, multipart_bytes=6 * MIB, part_bytes=5 * MIB, memory_bytes=1000, parts_in_parallel=2)
    document = await bench.documents.create(b"x" * 21 * MIB)
    async with SlowS3("PUT /orders/k") as server:
        job = asyncio.create_task(bench.run(variables(server.url, "uploadObject", document=document.reference())))
        await server.until_begun("PUT /orders/k", 2)
        await cancelled(job)
        server.go_on.set()
        await server.until_begun("DELETE /orders/k.uploadId=up-1")
        parts = [line for line in server.begun if line.startswith("PUT")]
        assert len(parts) == 2
        assert not [line for line in server.begun if line.startswith("POST") and "uploadId" in line]


async def test_the_number_of_parts_under_way(bench: Bench) -> None:
    await configured(bench, multipart_bytes=6 * MIB, part_bytes=5 * MIB, memory_bytes=1000, parts_in_parallel=3)
    document = await bench.documents.create(b"x" * 40 * MIB)
    async with SlowS3("PUT /orders/k") as server:
        job = asyncio.create_task(bench.run(variables(server.url, "uploadObject", document=document.reference())))
        await server.until_begun("PUT /orders/k", 3)
        await asyncio.sleep(0.1)
        assert sum(line.startswith("PUT") for line in server.begun) == 3
        server.go_on.set()
        result = await job
        assert result["eTag"] == "whole"
        assert sum(line.startswith("PUT") for line in server.begun) == 8


async def test_a_download_that_is_cancelled_gives_its_connection_up(bench: Bench) -> None:
    await configured(bench, threads=1, memory_bytes=1000)

    class Stalled:
        """A store that takes one piece and then waits."""

        def __init__(self) -> None:
            self.taking = asyncio.Event()

        async def create(self, content: Any, **_: Any) -> None:
            async for _piece in content:
                self.taking.set()
                await asyncio.sleep(60)

    stalled = Stalled()
    bench.documents = stalled  # type: ignore[assignment]
    async with SlowS3("none") as server:
        job = asyncio.create_task(bench.run(variables(server.url, "downloadObject")))
        await stalled.taking.wait()
        # Its connection waits, but no thread does.
        await bench.run(variables(server.url, "deleteObject", key="other"))
        await cancelled(job)
        await bench.run(variables(server.url, "deleteObject", key="other"))


async def test_a_job_that_runs_longer_than_it_may(tmp_path: Path) -> None:
    async with SlowS3("DELETE") as server, working(tmp_path) as (gateway, _):
        key = gateway.add_job(S3Connector.type, variables(server.url, "deleteObject"), {"jobTimeout": "PT1S"})

        def failures() -> list[FailCommand]:
            return [each for each in gateway.commands_for(key) if isinstance(each, FailCommand)]

        await until(lambda: bool(failures()))
        server.go_on.set()
        assert "ran longer than 1 s" in failures()[0].message
        assert failures()[0].retries == 2


async def test_threads_stay_within_their_number(bench: Bench) -> None:
    await configured(bench, threads=4)
    async with SlowS3("DELETE") as server:
        jobs = [asyncio.create_task(bench.run(variables(server.url, "deleteObject", key=f"{n}"))) for n in range(20)]
        await server.until_begun("DELETE", 4)
        await asyncio.sleep(0.1)
        assert len(server.begun) == 4
        assert sum(thread.name.startswith("s3_") for thread in threading.enumerate()) >= 4
        server.go_on.set()
        await asyncio.gather(*jobs)
        assert len(server.begun) == 20


async def test_a_close_does_not_wait_for_a_thread_that_hangs(bench: Bench) -> None:
    await configured(bench, threads=1)
    async with SlowS3("PUT") as server:
        job = asyncio.create_task(bench.run(variables(server.url, "uploadObject", document=inline("x"))))
        await server.until_begun("PUT")
        await cancelled(job)
        async with asyncio.timeout(5):
            await bench.connector.close()
        server.go_on.set()
