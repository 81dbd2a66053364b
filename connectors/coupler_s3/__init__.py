"""The S3 connector: job type ``io.camunda:aws-s3:1``."""

from __future__ import annotations

from coupler_s3.connector import S3Connector

__all__ = ["S3Connector"]
