"""One gibibyte to S3 and back: the same content, and no more memory than parts and pieces need."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench.s3 import rclone
from bench.s3.memory import Sampled
from tests.connectors.kit import Bench
from tests.connectors.s3.kit import Place, inline

GIB = 2**30


async def gibibyte() -> AsyncIterator[bytes]:
    """No two pieces are alike."""
    block = os.urandom(2**20)
    for number in range(GIB // len(block)):
        yield number.to_bytes(8, "big") + block[8:]


@pytest.mark.integration
async def test_a_gibibyte_there_and_back(bench: Bench, tmp_path: Path) -> None:
    document = await bench.documents.create(gibibyte(), file_name="large.bin")
    with rclone.serving(tmp_path / "buckets") as url:
        place = Place(bench, url, access_key=rclone.ACCESS_KEY, secret_key=rclone.SECRET_KEY)
        await place.run("uploadObject", key="warm", document=inline("x"))
        await place.run("downloadObject", key="warm")
        with Sampled() as upwards:
            sent = await place.run("uploadObject", document=document.reference())
        with Sampled() as downwards:
            received = await place.run(
                "downloadObject", {"documentReturnFormat": {"choice": "DOCUMENT"}}, key="large.bin"
            )
    back = received["element"]["document"]
    assert (sent["size"], back["metadata"]["size"]) == (GIB, GIB)
    assert back["contentHash"] == document.reference()["contentHash"]
    assert await digest_of(bench, back) == back["contentHash"]
    print(f"up: {upwards.growth_mib:.1f} MiB in {upwards.samples} samples, down: {downwards.growth_mib:.1f} MiB")
    assert upwards.growth_mib < 100
    assert downwards.growth_mib < 100
    assert min(upwards.samples, downwards.samples) >= 10


async def digest_of(bench: Bench, reference: dict[str, object]) -> str:
    """Read once more, not believed."""
    from coupler.documents.reference import parse_reference

    digest = hashlib.sha256()
    async for piece in bench.documents.document(parse_reference(reference)).stream():
        digest.update(piece)
    return digest.hexdigest()
