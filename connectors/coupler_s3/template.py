"""The element template of the S3 connector as a whole; what it says of each field stands in the model."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from coupler.sdk.template import Group, TemplateInfo

TEMPLATE: Final = TemplateInfo(
    id="io.coupler.connectors.s3",
    version=1,
    engines="^8.10",
    name="S3 object",
    description="Uploads, downloads, deletes, lists, copies and shares objects in Amazon S3 and servers that speak it",
    keywords=("s3", "aws", "bucket", "object", "storage", "file"),
    icon=Path(__file__).with_name("icon.svg"),
    groups=(
        Group("operation", "Action"),
        Group("authentication", "Authentication"),
        Group("configuration", "Where S3 is"),
        Group("uploadObject", "Upload"),
        Group("downloadObject", "Download"),
        Group("deleteObject", "Delete"),
        Group("listObjects", "List"),
        Group("headObject", "Look up"),
        Group("copyObject", "Copy"),
        Group("presignObject", "Presigned URL"),
    ),
    result_expression="={\n  bucket: response.bucket,\n  key: response.key\n}",
)

__all__ = ["TEMPLATE"]
