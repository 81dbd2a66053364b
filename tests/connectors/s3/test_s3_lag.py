"""Many uploads at the same time leave the loop free for the jobs beside them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench.s3 import rclone
from bench.s3.lag import Lag, measured
from bench.s3.worker import BUCKET, CONCURRENT, rest_jobs, s3_job, working
from coupler.testing import CompleteCommand
from coupler_rest import RestConnector
from tests.http.server import Server, always, reply

EXPECTED_P99_MILLISECONDS = 50


async def test_the_lag_beside_many_uploads(tmp_path: Path) -> None:
    # A busy machine may hold up one run or the other; a loop that uploads block comes late in every one.
    for attempt in range(4):
        lag = await lag_beside_uploads(tmp_path / str(attempt))
        if lag.at(0.99) < 10 * EXPECTED_P99_MILLISECONDS:
            break
    assert lag.at(0.99) < 10 * EXPECTED_P99_MILLISECONDS


async def lag_beside_uploads(tmp_path: Path) -> Lag:
    """Uploads and plain calls together; none is lost."""
    (tmp_path / "buckets" / BUCKET).mkdir(parents=True)
    with rclone.serving(tmp_path / "buckets") as url:
        async with Server(always(reply(body="{}"))) as target, working(tmp_path) as (gateway, documents):
            document = (await documents.create(b"x" * 1024, file_name="x.bin")).reference()
            rest = asyncio.create_task(rest_jobs(gateway, target.port))
            async with measured() as lag:
                keys = [s3_job(gateway, url, "uploadObject", key=f"{n}", document=document) for n in range(CONCURRENT)]
                async with asyncio.timeout(120):
                    while any(gateway.job(key).variables is None for key in keys):
                        await asyncio.sleep(0.02)
            rest.cancel()
            await gateway.drain()
            finished = [each for each in gateway.commands if isinstance(each, CompleteCommand)]
            rest_finished = [each for each in finished if gateway.job(each.job_key).type == RestConnector.type]
    assert len(finished) - len(rest_finished) == CONCURRENT
    assert len(rest_finished) > 5
    assert len(list((tmp_path / "buckets" / BUCKET).iterdir())) == CONCURRENT
    return lag
