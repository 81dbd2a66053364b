"""Settings of the deployment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

MEBIBYTE: Final = 1024 * 1024
LONGEST_PRESIGNED_SECONDS: Final = 7 * 24 * 3600  # the limit of Signature Version 4

AddressingStyle = Literal["auto", "path", "virtual"]


class S3Settings(BaseModel):
    """Settings of the S3 connector.

    Attributes:
        threads: Calls of all jobs that are under way at the same time; each has a thread and a connection.
        transfers: Jobs that move content at the same time; it bounds memory and temporary files.
        parts_in_parallel: Parts of one large object that are sent at the same time.
        memory_bytes: Content up to this size is held in memory, larger content in a temporary file.
        total_memory_bytes: Content that all uploads hold in memory together; beyond it temporary files begin earlier.
        multipart_bytes: Content from this size on is sent in parts.
        part_bytes: The size of a part; S3 wants 5 MiB at least.
        temporary_folder: Where temporary files go; default: the system's.
        connect_timeout_seconds: For making a connection, and for sending each block.
        read_timeout_seconds: The longest silence of the server.
        attempts: How often a call is made within a job, the first one included.
        region: Where the model names none; default: what AWS tools find.
        endpoint: Where the model names none; default: AWS.
        addressing_style: ``path`` (endpoint/bucket/key), ``virtual`` (bucket.endpoint/key), or ``auto``.
        ca_bundle: A PEM file of authorities to trust in the place of the usual ones.
        sts_endpoint: Where roles are assumed; default: AWS.
        clients: Clients (one for each set of credentials, region and endpoint) that are kept.
        client_seconds: How long an unused client is kept.
        max_presigned_seconds: The longest life of a presigned URL.
        allow_default_chain: Whether models may use the credentials of this runtime; default: yes, unless the variable
            ``CAMUNDA_CONNECTOR_RUNTIME_SAAS`` is set.
        check_bucket: The bucket that the connection test looks for; default: it asks who the credentials are.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    threads: PositiveInt = 16
    transfers: PositiveInt = 16
    parts_in_parallel: PositiveInt = 4
    memory_bytes: PositiveInt = 8 * MEBIBYTE
    total_memory_bytes: PositiveInt = 64 * MEBIBYTE
    multipart_bytes: PositiveInt = 64 * MEBIBYTE
    part_bytes: Annotated[int, Field(ge=5 * MEBIBYTE)] = 8 * MEBIBYTE
    temporary_folder: Path | None = None
    connect_timeout_seconds: PositiveFloat = 5.0
    read_timeout_seconds: PositiveFloat = 60.0
    attempts: PositiveInt = 3
    region: str | None = None
    endpoint: str | None = None
    addressing_style: AddressingStyle = "auto"
    ca_bundle: Path | None = None
    sts_endpoint: str | None = None
    clients: PositiveInt = 64
    client_seconds: PositiveFloat = 3600.0
    max_presigned_seconds: Annotated[int, Field(gt=0, le=LONGEST_PRESIGNED_SECONDS)] = LONGEST_PRESIGNED_SECONDS
    allow_default_chain: bool | None = None
    check_bucket: str | None = None


__all__ = ["LONGEST_PRESIGNED_SECONDS", "MEBIBYTE", "AddressingStyle", "S3Settings"]
