"""The loop's lag and the memory of the S3 connector, on a server that is a process of its own (rclone).

python -m bench.s3              # lag of 200 concurrent uploads beside REST jobs, then a gibibyte there and back
python -m bench.s3 lag          # the first alone
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.processes import Server
from bench.s3 import rclone
from bench.s3.lag import Lag, measured
from bench.s3.memory import Sampled
from bench.s3.worker import BUCKET, CONCURRENT, REST_JOBS_PER_SECOND, inline, rest_jobs, s3_job, working
from coupler.testing import FakeGateway

UPLOADS: Final = 2000
GIB: Final = 2**30


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """A server with one bucket."""
    (folder / "buckets" / BUCKET).mkdir(parents=True)
    with rclone.serving(folder / "buckets") as url:
        yield url


async def completed(gateway: FakeGateway, count: int, seconds: float = 300.0) -> None:
    """Waits for so many commands on S3 jobs."""
    async with asyncio.timeout(seconds):
        await gateway.drain(timeout_seconds=seconds)
    assert len(gateway.commands) >= count


async def uploads(url: str, port: int, folder: Path, size: int, count: int) -> None:
    """Many uploads beside REST jobs."""
    async with working(folder) as (gateway, documents):
        rest = asyncio.create_task(rest_jobs(gateway, port))
        async with measured() as alone:
            await asyncio.sleep(3)
        async with measured() as cold:
            first = s3_job(gateway, url, "uploadObject", key="first", document=inline("x"))
            while gateway.job(first).variables is None:
                await asyncio.sleep(0.01)
        document = (await documents.create(b"x" * size, file_name="x.bin")).reference()
        keys = [s3_job(gateway, url, "uploadObject", key=f"{n}", document=document) for n in range(count)]
        cpu, start = time.process_time(), time.perf_counter()
        async with measured() as lag:
            while any(gateway.job(key).variables is None for key in keys[-CONCURRENT:]):
                await asyncio.sleep(0.05)
        rest.cancel()
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        await completed(gateway, count)
    print(f"{count} uploads of {size:,} bytes, {CONCURRENT} at a time, {REST_JOBS_PER_SECOND} REST jobs/s beside them:")
    print(f"  {count / seconds:.0f} uploads/s, {1000 * cpu / count:.2f} ms CPU an upload with all that runs beside")
    for name, each in (("REST jobs alone", alone), ("the first job, boto3 imported", cold), ("uploads", lag)):
        print(f"  lag of the loop, {name}: {percentiles(each)}")


def percentiles(lag: Lag) -> str:
    """The lag in words."""
    return f"p50 {lag.at(0.5):.1f}, p99 {lag.at(0.99):.1f}, worst {lag.at(1):.1f} ms ({len(lag.seconds)} samples)"


async def gibibyte(url: str, folder: Path) -> None:
    """A large object there and back."""

    async def pieces() -> AsyncIterator[bytes]:
        block = bytes(range(256)) * 4096
        for number in range(GIB // len(block)):
            yield number.to_bytes(8, "big") + block[8:]

    async with working(folder) as (gateway, documents):
        document = await documents.create(pieces(), file_name="large.bin")
        s3_job(gateway, url, "uploadObject", key="warm", document=inline("x"))
        await completed(gateway, 1)
        for action, given in (
            ("uploadObject", {"document": document.reference()}),
            ("downloadObject", {"asFile": True}),
        ):
            cpu, start = time.process_time(), time.perf_counter()
            with Sampled() as memory:
                async with measured() as lag:
                    key = s3_job(gateway, url, action, key="large.bin", **given)
                    await completed(gateway, 1)
            seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
            result: Any = gateway.job(key).variables
            assert result is not None
            if action == "downloadObject":
                received = result["result"]["element"]["document"]
                assert received["contentHash"] == document.reference()["contentHash"]
            print(f"{action} of 1 GiB: {GIB / 2**20 / seconds:.0f} MiB/s, {cpu:.1f} s CPU")
            print(f"  memory: {memory.growth_mib:.1f} MiB more, {memory.samples} samples; lag: {percentiles(lag)}")


def main(arguments: list[str]) -> None:
    """Runs what is asked for."""
    with tempfile.TemporaryDirectory(prefix="coupler-bench-s3-") as name:
        folder = Path(name)
        with s3_server(folder) as url:
            target = Server("bench.target")
            try:
                for size, count in ((1024, UPLOADS), (256 * 1024, UPLOADS)):
                    asyncio.run(uploads(url, target.port, folder, size, count))
            finally:
                target.stop()
            if "lag" not in arguments:
                asyncio.run(gibibyte(url, folder))
    print(f"peak of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main(sys.argv[1:])
