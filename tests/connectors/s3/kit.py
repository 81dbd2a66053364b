"""An S3 connector on a server of the test's own, and that server as boto3 sees it."""

from __future__ import annotations

import importlib
import uuid
from functools import cache
from typing import Any

from coupler_s3 import S3Connector
from coupler_s3.settings import S3Settings
from tests.connectors.kit import Bench, Lent

REGION = "eu-central-1"


@cache
def client(endpoint: str, access_key: str = "test", secret_key: str = "test") -> Any:
    """What tests look with, shared by them; not the connector's own."""
    session = importlib.import_module("boto3.session").Session(access_key, secret_key, region_name=REGION)
    config = importlib.import_module("botocore.config").Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return session.client("s3", endpoint_url=endpoint, config=config)


class Place:
    """A bucket of one test, and jobs that work on it."""

    def __init__(self, bench: Bench, endpoint: str, *, access_key: str = "test", secret_key: str = "test") -> None:
        self.bench = bench
        self.endpoint = endpoint
        self.keys = {"type": "credentials", "accessKey": access_key, "secretKey": secret_key}
        self.client = client(endpoint, access_key, secret_key)
        self.bucket = f"b-{uuid.uuid4().hex[:20]}"
        location = {"LocationConstraint": REGION}
        self.client.create_bucket(Bucket=self.bucket, CreateBucketConfiguration=location)

    def variables(self, action: str, more: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
        """A job's variables; ``given`` are members of ``action``, ``more`` stands beside it."""
        return {
            "actionDiscriminator": action,
            "authentication": self.keys,
            "configuration": {"region": REGION, "endpoint": self.endpoint},
            "action": {"bucket": self.bucket, **given},
            **(more or {}),
        }

    async def run(self, action: str, more: dict[str, Any] | None = None, **given: Any) -> Any:
        """The response of one job."""
        return await self.bench.run(self.variables(action, more, **given))

    def put(self, key: str, body: bytes, **options: Any) -> None:
        """Puts an object past the connector."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body, **options)

    def get(self, key: str) -> tuple[bytes, dict[str, Any]]:
        """An object's content, and what the server says of it."""
        answer = self.client.get_object(Bucket=self.bucket, Key=key)
        return answer["Body"].read(), answer

    def uploads(self) -> list[str]:
        """Keys of uploads in parts that were neither completed nor given up."""
        return [each["Key"] for each in self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", ())]


async def configured(bench: Bench, **settings: Any) -> None:
    """Opens the connector again, with settings."""
    await bench.connector.close()
    bench.connector.settings = S3Settings(**settings)
    await bench.connector.open(Lent(bench.engine))


def memory_taken(bench: Bench) -> int:
    """What uploads hold in memory."""
    assert isinstance(bench.connector, S3Connector)
    return bench.connector._budget.taken_bytes


def inline(content: Any, name: str | None = "a.txt", content_type: str | None = None) -> dict[str, Any]:
    """A document that stands in the variables."""
    return {"camunda.document.type": "inline", "content": content, "name": name, "contentType": content_type}
